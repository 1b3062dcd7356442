/** Clients of others that are installed on demand, as the specs use them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { WATCHDOG_MS } from '../server/wait.js';
import { installed } from './install.js';

/** What the specs use of a socket of socket.io-client. */
export interface IoSocket {
  readonly connected: boolean;
  readonly io: { readonly engine: { readonly transport: { readonly name: string } } };
  on(event: string, listener: (...values: never[]) => void): void;
  once(event: string, listener: (...values: never[]) => void): void;
  off(event: string, listener: (...values: never[]) => void): void;
  emit(event: string, ...values: unknown[]): void;
  emitWithAck(event: string, ...values: unknown[]): Promise<unknown>;
  timeout(ms: number): IoSocket;
  connect(): void;
  disconnect(): void;
}

interface IoClient {
  io(url: string, options: object): IoSocket;
}

/** A module of spec/programs/clients. @throws unless it is installed */
export function load<T>(name: string): T {
  const folder = installed('clients');
  if (folder === undefined) throw new Error('the clients are not installed');
  return createRequire(join(folder, 'package.json'))(name) as T;
}

/** A connected socket of socket.io-client, with a connection of its own. */
export async function connectIo(url: string, options: object): Promise<IoSocket> {
  const { io } = load<IoClient>('socket.io-client');
  const socket = io(url, { forceNew: true, reconnection: false, autoConnect: false, ...options });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', (error: Error) => reject(error));
  });
  socket.connect();
  await connected;
  return socket;
}

/** The answer to an event. */
export const askIo = (socket: IoSocket, event: string, ...values: unknown[]): Promise<unknown> =>
  socket.timeout(WATCHDOG_MS).emitWithAck(event, ...values);
