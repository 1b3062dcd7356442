/** Where a worker thread begins, for those who start one: a module of its own, because importing the entry would run it. */
export const WORKER_URL = new URL('./worker.js', import.meta.url);
