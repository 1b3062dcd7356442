// A folder of files as users of Hono serve it on node:http. Bun has its own way, in bun-server.ts.

import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { FILES_VARIABLE } from './files-variable.js';

const app = new Hono();
app.use('/*', serveStatic({ root: process.env[FILES_VARIABLE]! }));

export default app;
