/** The Node apps that a module may export: what node:http, node:net and the frameworks for them make. Each has a server in the end. */
import { createServer, Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import type { NodeLimits } from './messages.js';

/** Fastify's instance. */
interface WithServer {
  readonly server: Server;
  ready(): PromiseLike<unknown>;
}

/** NestJS's application. */
interface WithHttpServer {
  getHttpServer(): Server;
  init(): PromiseLike<unknown>;
}

/** Koa's application. */
interface WithCallback {
  callback(): (...request: never[]) => unknown;
}

/**
 * The server of a Node app.
 *
 * @returns null if the value is no such app
 * @throws what the app's own `ready`, `init` or `callback` throws
 */
export async function nodeServerOf(value: unknown, limits: NodeLimits): Promise<Server | null> {
  const made = await madeByApp(value);
  if (made !== null) return made instanceof HttpServer ? Object.assign(made, limits.changed) : made;
  const listener = isKoa(value) ? value.callback() : value;
  if (typeof listener !== 'function') return null;
  const { maxHeaderSize } = limits.all;
  return Object.assign(createServer({ maxHeaderSize }, listener as never), limits.all);
}

/**
 * Whether a listener cannot answer, as it takes the request alone. It is meant as the handler of a fetch app, but nothing tells that it
 * returns a Response before it is called, and Node ignores what a listener returns.
 */
export const isMuteListener = (value: unknown): boolean => typeof value === 'function' && value.length === 1;

/** What closes an app that has hooks of its own for that: Fastify's `onClose`, NestJS's `onModuleDestroy` and the like. */
export function closerOf(value: unknown): { close(): unknown } | null {
  const app = value as { close(): unknown };
  return (isFastify(value) || isNest(value)) && has(value, 'close') ? { close: () => app.close() } : null;
}

/** The server that the app has made itself. */
async function madeByApp(value: unknown): Promise<Server | null> {
  if (value instanceof Server) return value;
  if (isFastify(value)) {
    await value.ready();
    return value.server;
  }
  if (isNest(value)) {
    await value.init();
    return value.getHttpServer();
  }
  return null;
}

const isFastify = (value: unknown): value is WithServer =>
  has(value, 'ready') && (value as Partial<WithServer>).server instanceof Server;
const isNest = (value: unknown): value is WithHttpServer => has(value, 'getHttpServer') && has(value, 'init');
const isKoa = (value: unknown): value is WithCallback => has(value, 'callback') && has(value, 'use');

/** Whether a value has a method. */
function has(value: unknown, method: string): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as Record<string, unknown>)[method] === 'function';
}
