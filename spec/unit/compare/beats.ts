/** The pace at which requests are sent. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBeats } from '../../../lib/compare/beats.js';

test('the first beat comes when it is due, and none comes early', async () => {
  const intervalMs = 4;
  const firstMs = performance.now() + 30;
  const beats: number[] = [];
  await new Promise<void>((resolve) => {
    const metronome = startBeats(
      intervalMs,
      () => {
        beats.push(performance.now());
        if (beats.length < 20) return;
        metronome.removeAllListeners('message');
        void metronome.terminate().then(() => resolve());
      },
      firstMs,
    );
  });
  // Some may be left out, which makes the others later.
  beats.forEach((atMs, index) => {
    assert.ok(
      atMs >= firstMs + index * intervalMs,
      `beat ${index} comes ${atMs - firstMs} ms after the first`,
    );
  });
});

test.run();
