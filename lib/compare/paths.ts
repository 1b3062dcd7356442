/** The mix of an app of the user's. */
import { optionError, show } from '../options/validate.js';
import type { Kind, Mix } from './mixes.js';

/** More would not fit into the table of figures. */
export const MAX_PATHS = 4;

/**
 * The mix of `--path`: paths, each with its weight behind an @ (1 without), by commas. The first one counts as fast.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function mixOfPaths(text: string): Mix {
  const kinds = text.split(',').map((part, index) => kindOfPath(part, index > 0)) as [Kind, ...Kind[]];
  if (kinds.length > MAX_PATHS)
    throw optionError(`--path takes ${MAX_PATHS} paths at most, not ${kinds.length}`);
  if (kinds.every(({ weight }) => weight === 0)) throw optionError('--path needs a weight above 0');
  return {
    name: 'paths',
    title: text,
    about: 'Your app, asked for paths in proportion to their weights.',
    kinds,
    burst: null,
  };
}

function kindOfPath(text: string, holds: boolean): Kind {
  const [, path, weight] = /^(\/[!-~]*?)(?:@(\d{1,6}(?:\.\d{1,6})?))?$/.exec(text) ?? [];
  if (path === undefined) {
    throw optionError(`--path must be paths with weights, as in /fast@99,/report@1, not ${show(text)}`);
  }
  return { name: path, path, weight: Number(weight ?? 1), holds };
}
