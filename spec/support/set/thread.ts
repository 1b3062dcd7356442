/** The entry of a spec's threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { makeParts, type Start } from './parts.js';
import { commands } from './puppet.js';
import { DONE, FAILED, put, RESULT, STATUS, store, threadWord, writeFailure } from './scratch.js';
import { watchSteps } from './steps.js';
import { runTurns } from './turns.js';

/** An hour: pending for as long as a spec runs. */
const LONG_MS = 3_600_000;

const start = workerData as Start;
const { self, scratch } = start;
const port = parentPort!;

function obey(): void {
  const known = commands(makeParts(start));
  port.on('message', ({ name, args }: { name: string; args: number[] }) => {
    try {
      store(scratch, threadWord(self, RESULT), Number(known[name]!(...args)));
    } catch (error) {
      writeFailure(scratch, error);
      store(scratch, threadWord(self, FAILED), 1);
    }
    put(scratch, threadWord(self, STATUS), DONE);
  });
}

if (start.ownTimer) setTimeout(() => {}, LONG_MS);
if (start.role === 'puppet') obey();
else runTurns(makeParts(start));
// What came before belongs to the start.
port.postMessage('ready');
if (start.steps) watchSteps(scratch, self);
