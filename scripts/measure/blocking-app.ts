/** The app of the module that PACELINE_MEASURED_APP names, in which every request also blocks: so every thread is needed. */
import type { FetchApp } from '../../lib/index.js';

const BLOCK_MS = 2;

const cell = new Int32Array(new SharedArrayBuffer(4));
const { default: app }: { default: FetchApp } = await import(process.env.PACELINE_MEASURED_APP!);

export default {
  fetch(request, context) {
    Atomics.wait(cell, 0, 0, BLOCK_MS);
    return app.fetch(request, context);
  },
} satisfies FetchApp;
