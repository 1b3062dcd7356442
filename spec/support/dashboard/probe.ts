/** Accesses the dashboard of a running server with fetch and a websocket. */
import type { Running } from '../server/running.js';
import { within } from '../server/wait.js';
import { DashboardClient } from './test-dashboard.js';

export class DashboardProbe implements AsyncDisposable {
  readonly origin: string;
  readonly token: string;
  readonly #viewers: DashboardClient[] = [];

  constructor({ server }: Pick<Running, 'server'>) {
    const url = new URL(server.dashboard!.url);
    this.origin = url.origin;
    this.token = url.hash.slice(1);
  }

  get(path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, connection: 'close' };
    return within(path, fetch(this.origin + path, { headers }));
  }

  async openClient(): Promise<DashboardClient> {
    const subscriber = new DashboardClient(this.origin, this.token);
    this.#viewers.push(subscriber);
    await subscriber.opened();
    return subscriber;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#viewers.map((subscriber) => subscriber.close()));
  }
}
