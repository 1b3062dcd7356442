/**
 * The entry of an instrumented thread: wraps the system calls and methods at which threads can be killed, then imports the
 * product's own entry. The system calls come first, because lib declares them when it is loaded.
 */
import { threadId } from 'node:worker_threads';
import koffi from 'koffi';
import { Failpoints } from './failpoints.js';
import { METHODS, SYSTEM_CALLS, stepNumber } from './steps.js';

// biome-ignore lint/suspicious/noExplicitAny: any function of lib, whatever it takes.
type Call = (...args: any[]) => unknown;

const failpoints = Failpoints.find();

function instrumented(name: string, call: Call): Call {
  const before = stepNumber('before', name);
  const after = stepNumber('after', name);
  return function (this: unknown, ...args: unknown[]): unknown {
    failpoints.pass(before);
    const result = call.apply(this, args);
    failpoints.pass(after);
    return result;
  };
}

function instrumentSystemCalls(): void {
  const load = koffi.load;
  koffi.load = (...args) => {
    const library = load(...args);
    const declare = library.func.bind(library) as Call;
    const func = (prototype: string, ...rest: unknown[]): Call => {
      const call = declare(prototype, ...rest) as Call;
      const name = /(\w+)\(/.exec(prototype)?.[1] ?? '';
      return SYSTEM_CALLS.some((known) => known === name) ? instrumented(name, call) : call;
    };
    // Its own property is not writable, but can be shadowed.
    return Object.create(library, { func: { value: func } });
  };
}

async function instrumentMethods(): Promise<void> {
  for (const [owner, { module, calls }] of Object.entries(METHODS)) {
    const loaded = (await import(`../../lib/${module}.js`)) as Record<string, { prototype: object }>;
    const prototype = loaded[owner]?.prototype as Record<string, Call> | undefined;
    for (const name of calls) {
      const call = prototype?.[name];
      if (call === undefined)
        throw new Error(`lib/${module} has no ${owner}.${name}; mend scripts/chaos/steps.ts`);
      prototype![name] = instrumented(`${owner}.${name}`, call);
    }
  }
}

instrumentSystemCalls();
await instrumentMethods();
await import('../../lib/thread/worker.js');
failpoints.join(threadId);
