/** The app for a directory: `paceline ./public`. The URL of this module names the directory in its query, as `?root=`. */
import { serveFiles } from './serve-files.js';

const root = new URL(import.meta.url).searchParams.get('root')!;

export default { fetch: serveFiles(root) };
