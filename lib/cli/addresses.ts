/** Where a run of the command listens: at what `port` and `host` say, or at what `listen` says. */
import type { ListenOptions } from '../options/listen-options.js';
import type { Environment, Settings } from './command.js';

type AddressSettings = Pick<Settings, 'port' | 'host' | 'listen'>;

/** The place of a setting's source in the order of precedence, from 0 for the command line; Infinity for a default. */
export type RankOf = (name: keyof AddressSettings) => number;

const isGiven = (rank: number): boolean => rank < Number.POSITIVE_INFINITY;

/**
 * `listen` stands in place of port and host. Where those are given as well, they come first; but not if they come from a later source: a
 * PORT of the environment has no effect beside `--listen`.
 */
export function addressesOf(settings: AddressSettings, rankOf: RankOf): readonly ListenOptions[] {
  const { port, host, listen = [] } = settings;
  return hasOwn(settings, rankOf) ? [{ port, host }, ...listen] : listen;
}

/** PORT and HOST for the app: those of the first address, as far as they are given. */
export function variablesOf(settings: AddressSettings, rankOf: RankOf): Environment {
  const [first] = settings.listen ?? [];
  const { port, host } = hasOwn(settings, rankOf)
    ? {
        port: isGiven(rankOf('port')) ? settings.port : undefined,
        host: isGiven(rankOf('host')) ? settings.host : undefined,
      }
    : (first ?? {});
  return { ...(port !== undefined && { PORT: String(port) }), ...(host !== undefined && { HOST: host }) };
}

/** Whether port and host are an address. */
function hasOwn({ listen }: AddressSettings, rankOf: RankOf): boolean {
  const rank = Math.min(rankOf('port'), rankOf('host'));
  return listen === undefined || (isGiven(rank) && rank <= rankOf('listen'));
}
