/** What a handler of a fetch app can do wrong, by name, and what each fault may cost. */
import { get } from 'node:http';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface Fault {
  /** Whether the thread may die of it: never; unless the app has an `uncaughtException` listener; or in any case. */
  readonly kills: 'never' | 'unless handled' | 'always';
  /** The body of a complete answer with status 200. */
  readonly answer: string;
  /** Whether it happens only once the client leaves. */
  readonly onLeaving?: true;
  run(request: Request): unknown;
}

/** The answer of a handler that threw outside of its own frame and goes on. */
export const SURVIVED = 'survived';
const LATER_MS = 10;

const boom = (): never => {
  throw new Error('thrown by a fault');
};
const error = (): Error => new Error('a fault');

function overflow(depth: number): number {
  return depth + overflow(depth + 1);
}

// ---- thrown outside of the handler --------------------------------------------------------------------------------------

/** Each leaves an uncaught error. */
const LEFT_BEHIND: Readonly<Record<string, () => unknown>> = {
  'throws in nextTick': () => process.nextTick(boom),
  'throws in two ticks': () => {
    process.nextTick(boom);
    process.nextTick(boom);
  },
  'throws in a microtask': () => queueMicrotask(boom),
  'throws in an immediate': () => setImmediate(boom),
  'throws in a timer': () => setTimeout(boom, 1),
  'rejects unhandled': () => void Promise.reject(error()),
  'destroys a stream with an error': () => new PassThrough().destroy(error()),
  'writes after the end': () => {
    const stream = new PassThrough();
    stream.end();
    stream.write('too late');
  },
  'destroys an http request': () => get({ host: '127.0.0.1', port: 1 }).destroy(error()),
  'overflows in a tick': () => process.nextTick(() => overflow(0)),
};

function leftBehind(): Record<string, Fault> {
  const faults: Record<string, Fault> = {};
  for (const [name, leave] of Object.entries(LEFT_BEHIND)) {
    const fault = { kills: 'unless handled', answer: SURVIVED } as const;
    faults[`${name}, answers`] = {
      ...fault,
      run: () => {
        leave();
        return SURVIVED;
      },
    };
    faults[`${name}, answers later`] = {
      ...fault,
      run: async () => {
        leave();
        await delay(LATER_MS);
        return SURVIVED;
      },
    };
    faults[`${name}, after real work`] = {
      ...fault,
      run: async () => {
        await delay(1);
        leave();
        await delay(LATER_MS);
        return SURVIVED;
      },
    };
  }
  return faults;
}

// ---- errors that cannot be described ------------------------------------------------------------------------------------

const circular = error();
circular.cause = new Error('the other', { cause: circular });

const STRANGE: Readonly<Record<string, unknown>> = {
  'a proxy that throws': new Proxy({}, { get: boom, getPrototypeOf: boom, ownKeys: boom, has: boom }),
  'a stack that throws': Object.defineProperty(error(), 'stack', { get: boom }),
  'an inspection that throws': { [inspect.custom]: boom },
  'causes in a circle': circular,
  'no prototype': Object.create(null),
  'a symbol': Symbol('strange'),
  nothing: undefined,
};

function strange(): Record<string, Fault> {
  const faults: Record<string, Fault> = {};
  for (const [name, thrown] of Object.entries(STRANGE)) {
    faults[`throws ${name}`] = {
      kills: 'never',
      answer: '',
      run: () => {
        throw thrown;
      },
    };
    faults[`throws ${name} in a tick`] = {
      kills: 'unless handled',
      answer: SURVIVED,
      run: () => {
        process.nextTick(() => {
          throw thrown;
        });
        return SURVIVED;
      },
    };
  }
  return faults;
}

// ---- wrong answers ------------------------------------------------------------------------------------------------------

class ThrowingBlob extends Blob {
  override stream(): never {
    return boom();
  }
}

function withoutReader(): ReadableStream {
  const stream = new ReadableStream();
  stream.getReader = boom;
  return stream;
}

type Source = ConstructorParameters<typeof ReadableStream<Uint8Array>>[0];
const streamed = (source: Source): Response => new Response(new ReadableStream(source));
/** One chunk, then nothing until the client leaves. */
const silent = (cancel: () => void): Response =>
  streamed({ start: (controller) => controller.enqueue(Buffer.from('begun')), cancel });

const never = (run: Fault['run'], answer = ''): Fault => ({ kills: 'never', answer, run });
const thenable = (then: (fulfil: (value: unknown) => void) => void): unknown => ({ then });

export const FAULTS: Readonly<Record<string, Fault>> = {
  ...leftBehind(),
  ...strange(),
  throws: never(boom),
  rejects: never(async () => boom()),
  'rejects later': never(async () => {
    await delay(1);
    boom();
  }),
  'overflows the stack': never(() => String(overflow(0))),
  'a thenable fulfils with a promise': never(
    () => thenable((fulfil) => fulfil(Promise.resolve(SURVIVED))),
    SURVIVED,
  ),
  'a thenable fulfils with a rejection': never(() => thenable((fulfil) => fulfil(Promise.reject(error())))),
  'a thenable fulfils with a thenable': never(
    () => thenable((fulfil) => fulfil(thenable((inner) => inner(SURVIVED)))),
    SURVIVED,
  ),
  'a thenable settles twice': never(
    () =>
      thenable((fulfil) => {
        fulfil(SURVIVED);
        fulfil('again');
      }),
    SURVIVED,
  ),
  'a thenable settles twice, later': never(
    () =>
      thenable((fulfil) => {
        setTimeout(() => fulfil(SURVIVED), 1);
        setTimeout(() => fulfil('again'), LATER_MS);
      }),
    SURVIVED,
  ),
  'a thenable throws once settled': never(
    () =>
      thenable((fulfil) => {
        fulfil(SURVIVED);
        boom();
      }),
    SURVIVED,
  ),
  'a thenable throws': never(() => thenable(boom)),
  'the getter of then throws': never(() => Object.defineProperty({}, 'then', { get: boom })),
  'answers a proxy that throws': never(() => STRANGE['a proxy that throws']),
  'answers a symbol': never(() => Symbol('no answer')),
  'a blob does not stream': never(() => new Response(new ThrowingBlob(['blob']))),
  'a stream has no reader': never(() => new Response(withoutReader())),
  'start throws': never(() => streamed({ start: boom })),
  'pull throws': never(() => streamed({ pull: boom })),
  'pull rejects': never(() => streamed({ pull: async () => boom() })),
  'a stream fails later': never(() =>
    streamed({
      async pull(controller) {
        controller.enqueue(Buffer.from('begun'));
        await delay(1);
        controller.error(error());
      },
    }),
  ),
  'a stream of what is no bytes': never(() =>
    streamed({ pull: (controller) => controller.enqueue({ no: 'bytes' } as never) }),
  ),
  'cancel throws': { ...never(() => silent(boom)), onLeaving: true },
  'cancel rejects': { ...never(() => silent(async () => boom())), onLeaving: true },
  'an abort listener throws': {
    kills: 'unless handled',
    answer: SURVIVED,
    onLeaving: true,
    run: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          setTimeout(resolve, 1, SURVIVED);
          boom();
        });
      }),
  },
  exits: { kills: 'always', answer: '', run: () => process.exit(3) },
  'exits later': {
    kills: 'always',
    answer: '',
    run: async () => {
      await delay(1);
      process.exit(3);
    },
  },
};

export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);
