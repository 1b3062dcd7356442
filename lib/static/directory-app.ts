/** The app that a directory stands for: `paceline ./public`. The control plane names the directory in this module's query. */
import { serveFiles } from './serve-files.js';

const root = new URL(import.meta.url).searchParams.get('root')!;

export default { fetch: serveFiles(root) };
