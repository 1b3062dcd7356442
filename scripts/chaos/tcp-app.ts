/**
 * The raw TCP app of the campaign: it echoes. What begins with `!` is a command, up to the end of the line:
 *
 *   !bind            keeps the connection in its thread
 *   !async           the same, and every echo is a promise
 *   !end             ends the connection, with FAREWELL
 *   !fault WHERE HOW fails in that handler of this connection
 *   !meet N COUNT    waits at barrier N for COUNT handlers
 *
 * Connections from 127.9.0.x fail in `open`, in the way HOWS[x - 1]. The query of the app's URL says whether it listens to
 * `uncaughtException` (`?handled`) and whether it has an `error` handler (`&error`).
 */
import { setImmediate as nextPass } from 'node:timers/promises';
import type { TcpApp, TcpConnection } from '../../lib/tcp/app.js';
import { Barriers } from '../campaign/barrier.js';
import { FAREWELL, HOWS, type How, OPEN_FAULTS, type Where } from './tcp-faults.js';

const { searchParams: settings } = new URL(import.meta.url);
const barriers = Barriers.find();

if (settings.has('handled')) process.on('uncaughtException', () => {});

const COMMAND = 0x21;
/** More than the kernel takes at once, so that `drain` is called. */
const DRAIN_BYTES = 8 * 1024 * 1024;

interface Kept {
  readonly async?: boolean;
  readonly fault?: { where: Where; how: How };
}

function fail(how: How): unknown {
  const boom = (): never => {
    throw new Error(`thrown by ${how}`);
  };
  switch (how) {
    case 'throw':
      return boom();
    case 'reject':
      return Promise.reject(new Error('rejected'));
    case 'tick':
      return process.nextTick(boom);
    case 'microtask':
      return queueMicrotask(boom);
    case 'immediate':
      return setImmediate(boom);
    case 'exit':
      return process.exit(3);
  }
}

/** Fails if this connection was told to fail in this handler. */
function failIn(where: Where, { data }: TcpConnection): unknown {
  const fault = (data as Kept | undefined)?.fault;
  return fault?.where === where ? fail(fault.how) : undefined;
}

function obey(connection: TcpConnection, [name, first, second]: string[]): unknown {
  switch (name) {
    case '!bind':
      connection.data = {};
      return undefined;
    case '!async':
      connection.data = { async: true };
      return undefined;
    case '!meet':
      connection.write(`${barriers.meet(Number(first), Number(second), connection.thread)}\n`);
      return undefined;
    case '!end':
      return connection.end(FAREWELL);
    default: {
      const where = first as Where;
      connection.data = { fault: { where, how: second } };
      if (where === 'drain') connection.write(Buffer.alloc(DRAIN_BYTES));
      if (where === 'error') throw new Error('for the error handler');
      return failIn('data', connection);
    }
  }
}

const app: TcpApp = {
  open({ remoteAddress }) {
    if (!remoteAddress.startsWith(OPEN_FAULTS)) return undefined;
    return fail(HOWS[Number(remoteAddress.slice(OPEN_FAULTS.length)) - 1]!);
  },
  data(connection, bytes) {
    let rest = bytes;
    if (bytes[0] === COMMAND) {
      const end = bytes.indexOf(0x0a) + 1;
      rest = bytes.subarray(end);
      const result = obey(
        connection,
        Buffer.from(bytes.subarray(0, end - 1))
          .toString()
          .split(' '),
      );
      if (result !== undefined) return result;
    }
    if (rest.length === 0) return undefined;
    if ((connection.data as Kept | undefined)?.async !== true) return void connection.write(rest);
    return nextPass().then(() => void connection.write(rest));
  },
  drain: (connection) => failIn('drain', connection),
  close: (connection) => failIn('close', connection),
};
if (settings.has('error')) app.error = (connection) => failIn('error', connection);

export default app;
