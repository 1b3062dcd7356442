/** The hook that Node.js before 22.15 calls when it resolves ES modules, in a thread of its own; see loaded-files.ts. */
import { fileURLToPath } from 'node:url';
import { reportMissing, reportUrl } from './loaded-files.js';

type Context = { readonly parentURL?: string | undefined };
type Resolved = { readonly url: string };

export async function resolve(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<Resolved>,
): Promise<Resolved> {
  try {
    const resolved = await next(specifier, context);
    reportUrl(resolved.url);
    return resolved;
  } catch (error) {
    const { parentURL } = context;
    reportMissing(specifier, parentURL?.startsWith('file:') ? fileURLToPath(parentURL) : undefined);
    throw error;
  }
}
