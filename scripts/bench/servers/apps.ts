// The apps by the names that the servers take on their command lines.

/** What all of the servers here need of an app. */
export interface App {
  fetch(request: Request): Response | Promise<Response>;
}

/** The app in the module of a name in this folder. */
export async function loadApp(name: string): Promise<App> {
  return (await import(`./${name}.js`)).default as App;
}

/** The file of that module. */
export function appFile(name: string): URL {
  return new URL(`./${name}.js`, import.meta.url);
}
