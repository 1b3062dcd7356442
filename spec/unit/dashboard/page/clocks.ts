/** The page's estimate of the server's clock, and the delays between its tries to reconnect. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ServerClock } from '../../../../lib/dashboard/page/clock.js';
import { MAX_DELAY_MS, retryDelayMs } from '../../../../lib/dashboard/page/retry.js';

test('the frame that was delayed least sets the clock', () => {
  const clock = new ServerClock();
  const delays = [40, 3, 25, 90];
  delays.forEach((delay, index) => {
    clock.note(1_000_000 + index * 100, index * 100 + delay);
  });
  assert.is(clock.at(500), 1_000_497);
});

test('a clock that drifts is followed, as old frames are dropped', () => {
  const clock = new ServerClock();
  clock.note(1000, 0);
  for (let index = 0; index < 100; index++) clock.note(index, index + 5);
  assert.is(clock.at(105), 100);
  clock.forget();
  clock.note(50, 60);
  assert.is(clock.at(70), 60);
});

test('the delay between tries grows, up to two seconds', () => {
  const delays = [1, 2, 3, 4, 5, 50].map(retryDelayMs);
  assert.equal(delays, [250, 500, 1000, 2000, 2000, 2000]);
  assert.is(Math.max(...delays), MAX_DELAY_MS);
});

test.run();
