/** A server whose handlers a spec holds, and the page of its dashboard, of which every frame is checked. */
import * as assert from 'uvu/assert';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { Gate } from '../server/gate.js';
import { Running } from '../server/running.js';
import { BrowserSession } from './browser-session.js';
import { browser } from './in-browser.js';
import { DashboardClient } from './test-dashboard.js';
import { WatchedPage } from './watched-page.js';

export interface Scene {
  readonly page: WatchedPage;
  readonly session: BrowserSession;
  readonly running: Running;
  readonly client: DashboardClient;
  readonly gate: Gate;
  /** Blocks so many more threads, and resolves once they are. */
  hold(count: number): Promise<{ readonly answered: Promise<unknown> }>;
}

/** Runs the steps of a spec, and checks every frame of it at the end. */
export async function onStage(options: ServerOptions, steps: (scene: Scene) => Promise<void>): Promise<void> {
  await using running = await Running.start('web', { ...options, dashboard: { port: 0 } });
  using gate = new Gate();
  const { origin, hash } = new URL(running.server.dashboard!.url);
  const client = new DashboardClient(origin, hash.slice(1));
  await client.opened();
  try {
    await client.frame('a beginning');
    await using session = await BrowserSession.open(browser, running.server.dashboard!.url);
    await session.frames(2);
    const page = await WatchedPage.watch(session, client, origin);
    const hold: Scene['hold'] = async (count) => {
      const clients = await running.connectMany(count);
      const before = gate.arrivals;
      const answered = Promise.all(clients.map((one) => one.get(`/hold?gate=${gate.path}`)));
      // These fail too if something before them has failed, and then say nothing more.
      answered.catch(() => {});
      await gate.entered(before + count);
      return { answered };
    };
    await steps({ page, session, running, client, gate, hold });
    await page.check();
    assert.equal(session.complaints, []);
  } finally {
    await client.close();
  }
}
