/** The thread that waits for all others, in models with a request queue: what it is seen to do. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Transition } from '../../../lib/index.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

for (const strategy of ['half-sync-half-reactive', 'simulated-proactor'] as const) {
  test(`${strategy}: the I/O thread processes while it passes requests on, and waits in between`, async () => {
    await using running = await Running.start('web', { strategy, threads: 2 });
    const seen: Transition[] = [];
    running.server.on('transition', (transition) => seen.push(transition));
    const ofIoThread = () => seen.filter(({ thread }) => thread === 0).map(({ from, to }) => `${from} ${to}`);
    const passedOn = () => ofIoThread().filter((change) => change === 'leader processing').length;
    const isWaiting = () => running.server.threads()[0]!.state === 'leader';
    const [client] = await running.connectMany(1);
    await client!.get('/text');
    await until('the first request is seen', () => passedOn() > 0);
    // How it joined the set.
    seen.length = 0;
    for (const _ of range(20)) {
      // A request that comes before would be passed on without a wait.
      await until('the I/O thread waits', isWaiting);
      assert.is((await client!.get('/text')).status, 200);
    }
    await until('twenty requests are seen', () => passedOn() >= 20);
    assert.equal([...new Set(ofIoThread())].sort(), ['leader processing', 'processing leader']);
  });
}

test.run();
