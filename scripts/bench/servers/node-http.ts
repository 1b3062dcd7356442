// An app in the style of fetch on node:http, as its users serve it: by Hono's adapter.

import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { loadApp } from './apps.js';
import { KEEP_ALIVE_MS } from './handler.js';

/** Listens on a free port of the loopback interface, with the app of a name. */
export async function listen(appName: string, listening: (address: AddressInfo) => void): Promise<void> {
  const { fetch } = await loadApp(appName);
  const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS };
  serve({ fetch, port: 0, hostname: '127.0.0.1', serverOptions }, listening);
}
