// Express's hello world.

import express from 'express';
import { HELLO } from '../handler.js';

const app = express();
app.get('/hello', (_request, response) => response.send(HELLO));

export default app;
