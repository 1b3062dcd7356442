/** The child's side of `paceline dev`; see protocol.ts. */
import { Socket } from 'node:net';
import { setSocketKeeper } from '../control/socket-keeper.js';
import { oneLine, PacelineError } from '../errors.js';
import type { ListenOptions } from '../options/listen-options.js';
import type { DashboardOptions } from '../options/server-options.js';
import { errorRecord } from '../report/error-record.js';
import type { DashboardInfo, Server } from '../server.js';
import { duplicateDescriptor } from '../sys/descriptor.js';
import { localAddress } from '../sys/socket.js';
import { reportLoadedFiles } from '../thread/loaded-files.js';
import type { ListenRequest } from '../thread/messages.js';
import {
  type ChildMessage,
  type ChildStart,
  DEV_CHILD,
  DEV_START,
  type PassedSocket,
  type ServedAddress,
  type SupervisorMessage,
} from './protocol.js';

/** Failures that another version of the app, or of its config file, may not have. */
const OF_APP: ReadonlySet<string> = new Set(['PACELINE_APP_LOAD', 'PACELINE_APP_SHAPE', 'PACELINE_OPTION']);

/** Null unless a supervisor has started this process. To be called once, before anything else reads the environment. */
export function joinSupervisor(): DevChild | null {
  const { env } = process;
  const start = env[DEV_START];
  const isChild = env[DEV_CHILD] === '1' && start !== undefined;
  delete env[DEV_CHILD];
  delete env[DEV_START];
  return isChild ? new DevChild(JSON.parse(start) as ChildStart) : null;
}

export class DevChild {
  readonly #start: ChildStart;
  readonly #requested: PassedSocket<ListenRequest>[];
  readonly #served: ServedAddress[] = [];
  #asked: { own: readonly ListenOptions[]; dashboard: string } = { own: [], dashboard: '' };
  /** Resolves when the process is to end. */
  readonly stopped: Promise<'stop'>;

  constructor(start: ChildStart) {
    this.#start = start;
    this.#requested = [...start.requested];
    this.stopped = new Promise((resolve) => {
      process.once('disconnect', () => resolve('stop'));
      // The supervisor may have ended before this was called.
      if (!process.connected) resolve('stop');
      process.on('message', ({ type }: SupervisorMessage) => resolve(type));
    });
    // A config file is a module that may import others.
    reportLoadedFiles();
    setSocketKeeper({
      take: (request) => this.#take(request),
      keep: (asked, fd) => sendSocket({ type: 'opened', asked }, fd),
    });
  }

  /** The addresses, with the supervisor's sockets in place of those that are open already. */
  addresses(own: readonly ListenOptions[]): readonly ListenOptions[] {
    this.#asked = { ...this.#asked, own };
    const left = [...this.#start.own];
    return own.map((asked) => {
      const index = left.findIndex((socket) => isSame(socket.asked, asked));
      return index < 0 ? asked : { fd: left.splice(index, 1)[0]!.fd };
    });
  }

  /** The dashboard's options, with the port that it had before. */
  dashboard(options: DashboardOptions | false): DashboardOptions | false {
    const asked = JSON.stringify(options);
    this.#asked = { ...this.#asked, dashboard: asked };
    const before = this.#start.dashboard;
    if (options === false || before === null || before.asked !== asked) return options;
    return { ...options, host: before.host, port: before.port };
  }

  /** To be called before the server listens. */
  watch(server: Server): void {
    server.on('listening', ({ url, address }) => {
      const where = typeof address === 'string' ? address : `${address.address}:${address.port}`;
      this.#served.push({ where, scheme: url.slice(0, url.indexOf(':')) });
    });
    server.on('released', () => send({ type: 'released' }));
  }

  /** The server serves, or all its threads have loaded the app. */
  reached(type: 'serving' | 'ready', dashboard: DashboardInfo | null): void {
    const { own, dashboard: asked } = this.#asked;
    const place = dashboard && { host: dashboard.host, port: dashboard.port, asked };
    send({ type, own, served: this.#served, dashboard: place });
  }

  /** The process is about to end because of an error. Resolves once the supervisor knows. */
  failed(error: unknown, exitCode: number): Promise<void> {
    const isTyped = error instanceof PacelineError;
    // Of an app that does not load, the cause says more than that it does not.
    const shown = isTyped && error.cause instanceof Error ? error.cause : error;
    const ofApp = !isTyped || OF_APP.has(error.code);
    return send({
      type: 'failed',
      message: oneLine(error),
      error: errorRecord(shown, { frame: true }),
      exitCode,
      ofApp,
    });
  }

  #take(request: ListenRequest): ReturnType<typeof passedOf> | undefined {
    const index = this.#requested.findIndex(({ asked }) => isSame(asked, request));
    if (index < 0) return undefined;
    const [{ fd }] = this.#requested.splice(index, 1) as [PassedSocket<ListenRequest>];
    send({ type: 'took', fd });
    return passedOf(fd);
  }
}

const passedOf = (fd: number) => ({ fd, address: localAddress(fd)! });

const isSame = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Resolves once the message has left the process, or cannot. */
function send(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send!(message, () => resolve());
    else resolve();
  });
}

/** Sends a copy of a socket of TCP. Others have a path, which the supervisor does not keep. */
function sendSocket(message: ChildMessage, fd: number): void {
  if (!process.connected || localAddress(fd)?.family === 'Unix') return;
  // The handle alone is sent: a server of Node would begin to accept.
  const socket = new Socket({ fd: duplicateDescriptor(fd), readable: false, writable: false });
  const { _handle: handle } = socket as unknown as { _handle: never };
  process.send!(message, handle, {}, () => socket.destroy());
}
