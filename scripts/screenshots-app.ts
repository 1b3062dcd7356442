/** The app of those pictures in docs/images for which a thread has to die, or many to work; see screenshots.ts. */

const cell = new Int32Array(new SharedArrayBuffer(4));

/** How long each route blocks its thread, in milliseconds. */
const HOLDS_MS: Readonly<Record<string, number>> = {
  '/orders': 4,
  '/search': 35,
  '/invoice': 260,
  '/report': 900,
};

export default {
  fetch(request: Request): string {
    const { pathname } = new URL(request.url);
    if (pathname === '/import') {
      setTimeout(() => {
        throw new Error('the import has no file');
      });
    }
    Atomics.wait(cell, 0, 0, HOLDS_MS[pathname] ?? 0);
    return 'done\n';
  },
};
