/** The arguments of `paceline top`: the address of a dashboard, and its token. */
import { hostAndPort } from '../options/host-port.js';
import { DASHBOARD_DEFAULT } from '../options/option-table.js';
import { optionError, show } from '../options/validate.js';
import type { Command, Environment, TopTarget } from './command.js';
import { readLine } from './line.js';

const OPTIONS = {
  dashboard: { type: 'string' },
  token: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const TOKEN_VARIABLE = 'PACELINE_TOKEN';
/** The variable in which a server finds its token. */
const SERVER_TOKEN_VARIABLE = 'PACELINE_DASHBOARD_TOKEN';

/**
 * Reads what follows `top`. An option takes precedence over the URL, and the URL over the environment.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function readTopArguments(line: readonly string[], environment: Environment): Command {
  const { options, positional: url } = readLine(line, OPTIONS, 'URL');
  if (options.has('help')) return { action: 'help' };
  const fromUrl = url === undefined ? undefined : readUrl(url);
  const asked = options.get('dashboard');
  const address = asked === undefined ? fromUrl : hostAndPort(asked);
  if (asked !== undefined && address === undefined) {
    throw optionError(`--dashboard must be HOST:PORT (with IPv6 in brackets), not ${show(asked)}`);
  }
  const token =
    options.get('token') ||
    fromUrl?.token ||
    environment[TOKEN_VARIABLE] ||
    environment[SERVER_TOKEN_VARIABLE] ||
    '';
  if (!/^[\w.~-]+$/.test(token)) {
    const what = token === '' ? 'top needs the token' : `the token cannot be ${show(token)}`;
    throw optionError(
      `${what}; it ends the URL that the server printed, as in paceline top http://HOST:PORT/#TOKEN, --token TOKEN or ${SERVER_TOKEN_VARIABLE}`,
    );
  }
  const { host, port } = address ?? DASHBOARD_DEFAULT;
  return { action: 'top', target: { host, port, token } };
}

function readUrl(text: string): TopTarget {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:' || url.hostname === '') {
    throw optionError(
      `the URL must be that of a dashboard, as in http://HOST:PORT/#TOKEN, not ${show(text)}`,
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(url.port || 80), token: url.hash.slice(1) };
}
