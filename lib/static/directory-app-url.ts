/** Where the app of a directory is; the query parameter `root` names the directory. */
export const DIRECTORY_APP_URL = new URL('./directory-app.js', import.meta.url);
