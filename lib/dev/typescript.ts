/** What a child's Node.js needs to run TypeScript. */
import { optionError, show } from '../options/validate.js';

const STRIPS_TYPES = '--experimental-strip-types';

/** Options by which something else compiles what is loaded. */
const LOADERS = /^(?:--import|--require|-r|--loader|--experimental-loader)(?:=|$)/;

/**
 * The options of Node.js to add for an app.
 *
 * @param nodeOptions those that there are
 * @throws PacelineError `PACELINE_OPTION` where this Node.js does not run TypeScript
 */
export function typeScriptOptions(
  app: string | undefined,
  nodeOptions: readonly string[],
  node: { readonly version: string; readonly runsTypeScript: boolean },
): readonly string[] {
  if (app === undefined || !/\.[cm]?ts$/.test(app) || node.runsTypeScript) return [];
  if (nodeOptions.some((option) => LOADERS.test(option) || option === STRIPS_TYPES)) return [];
  const [major, minor] = node.version.split('.').map(Number) as [number, number];
  if (major > 22 || (major === 22 && minor >= 6)) return [STRIPS_TYPES];
  throw optionError(
    `Node.js ${node.version} does not run TypeScript, which ${show(app)} is; run Node.js 22.18 or later, compile it with tsc, or register a loader in every thread, as the README shows for tsx`,
  );
}
