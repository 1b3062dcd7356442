/**
 * Lets a spec stop a thread before any one of its atomic operations, or end it there. The library calls Atomics by name,
 * so it is enough to replace them inside of that thread.
 */
import {
  ASLEEP,
  add,
  GO,
  load,
  put,
  RUNNING,
  SLEEPS,
  STATUS,
  STEPS,
  STOP_BEFORE,
  STOPPED,
  store,
  threadWord,
  waitUntil,
} from './scratch.js';

const OPERATIONS = [
  'load',
  'store',
  'exchange',
  'compareExchange',
  'and',
  'or',
  'add',
  'sub',
  'wait',
  'notify',
] as const;

type Operation = (words: Int32Array, ...rest: unknown[]) => unknown;

/** Every atomic operation of the calling thread is a step from now on. */
export function instrumentSteps(scratch: Int32Array, self: number): void {
  const replaced = Atomics as unknown as Record<string, Operation>;
  for (const name of OPERATIONS) {
    const original = replaced[name]!;
    replaced[name] = (words, ...rest) => {
      if (words.buffer === scratch.buffer) return original(words, ...rest);
      const step = add(scratch, threadWord(self, STEPS), 1) + 1;
      if (step === load(scratch, threadWord(self, STOP_BEFORE))) stop(scratch, self);
      if (name !== 'wait') return original(words, ...rest);
      return asleep(scratch, self, () => original(words, ...rest));
    };
  }
}

/** Says that the thread sleeps while it does. */
export function asleep<T>(scratch: Int32Array, self: number, sleep: () => T): T {
  add(scratch, threadWord(self, SLEEPS), 1);
  put(scratch, threadWord(self, STATUS), ASLEEP);
  const result = sleep();
  store(scratch, threadWord(self, STATUS), RUNNING);
  return result;
}

function stop(scratch: Int32Array, self: number): void {
  const seen = load(scratch, threadWord(self, GO));
  put(scratch, threadWord(self, STATUS), STOPPED);
  waitUntil(scratch, threadWord(self, GO), (value) => value !== seen, `thread ${self} may go on`);
}

/** Calls `look` after each atomic operation of the calling thread while `during` runs. */
export function observingOperations<T>(look: (name: string, index: number) => void, during: () => T): T {
  const replaced = Atomics as unknown as Record<string, Operation>;
  const originals = OPERATIONS.map((name) => [name, replaced[name]!] as const);
  const restore = () => {
    for (const [name, original] of originals) replaced[name] = original;
  };
  for (const [name, original] of originals) {
    replaced[name] = (words, ...rest) => {
      const result = original(words, ...rest);
      look(name, rest[0] as number);
      return result;
    };
  }
  try {
    return during();
  } finally {
    restore();
  }
}
