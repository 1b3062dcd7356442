/** The entry of a spec's threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { runTurns } from '../thread/worker-loop.js';
import { commands } from './commands.js';
import { makeParts, type Start } from './parts.js';
import { DONE, FAILED, put, RESULT, STATUS, store, threadWord, writeFailure } from './scratch.js';
import { instrumentSteps } from './steps.js';

const start = workerData as Start;
const { self, scratch } = start;
const port = parentPort!;

function runCommands(): void {
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

if (start.role === 'commanded') runCommands();
else runTurns(makeParts(start), start.restless);
// What came before belongs to the start.
port.postMessage('ready');
if (start.steps) instrumentSteps(scratch, self);
