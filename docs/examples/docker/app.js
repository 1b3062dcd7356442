/** A service that hashes passwords. Hashing blocks its thread; the others answer meanwhile. */
import { randomBytes, scryptSync } from 'node:crypto';

/** Stands for what an app opens at its start and closes at its end: a pool of connections, for instance. */
let log = null;

export default {
  init({ thread }) {
    log = (line) => console.log(`thread ${thread}: ${line}`);
  },

  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== '/hashes') return new Response('not found\n', { status: 404 });
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
    const salt = randomBytes(16);
    const hash = scryptSync(await request.text(), salt, 64);
    return { salt: salt.toString('hex'), hash: hash.toString('hex') };
  },

  async close() {
    log('closed');
  },
};
