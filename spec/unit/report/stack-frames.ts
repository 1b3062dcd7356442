import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readStack } from '../../../lib/report/stack-frames.js';

const RUNTIME = new URL('../../../lib/', import.meta.url);

/** A stack of frames: `lib` stands for one of the runtime. */
function framesOf(...frames: string[]): readonly string[] {
  const lines = frames.map((frame) => `    at ${frame.replace('lib', `${RUNTIME.href}http/x.js`)}`);
  return readStack(`Error: m\n${lines.join('\n')}`, 'm').frames;
}

test('frames of the runtime and of Node are left out, except for what the app has called', () => {
  const frames = framesOf(
    'openSync (node:fs:600:3)',
    'wrap (node:internal/x:1:1)',
    'JSON.parse (<anonymous>)',
    'fetch (file:///app/main.js:3:9)',
    'async file:///app/other.js:4:1',
    'Server.emit (node:events:5:1)',
    'new Promise (<anonymous>)',
    'run (lib:1:2)',
    'node:internal/main/worker_thread:1:1',
  );
  assert.equal(frames, [
    'at openSync (node:fs:600:3)',
    'at JSON.parse (<anonymous>)',
    'at fetch (/app/main.js:3:9)',
    'at async /app/other.js:4:1',
  ]);
});

test('what the runtime calls is left out between frames of the app', () => {
  assert.equal(framesOf('JSON.parse (<anonymous>)', 'json (lib:1:2)', 'fetch (/app/a.js:1:2)'), [
    'at fetch (/app/a.js:1:2)',
  ]);
});

test('an error of the runtime alone keeps its frames, one of Node alone has none', () => {
  assert.is(framesOf('JSON.parse (<anonymous>)', 'json (lib:1:2)', 'node:internal/x:1:2').length, 3);
  assert.equal(framesOf('link (node:internal/x:1:2)', 'async importMain (lib:1:2)'), []);
  const tick = 'process.processTicksAndRejections (node:internal/process/task_queues:95:5)';
  assert.equal(framesOf('node:internal/deps/undici/undici:13484:13', tick, 'runTicks (lib:1:2)'), []);
  assert.equal(framesOf('TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)'), []);
});

test('the place is that of the app, rather than that of a package or of code from a string', () => {
  const place = (...frames: string[]) =>
    readStack(`Error\n${frames.map((frame) => `    at ${frame}`).join('\n')}`, '').place;
  const eval_ = 'eval (eval at run (/app/b.js:1:1), <anonymous>:1:7)';
  const packaged = 'query (/app/node_modules/pg/x.js:7:8)';
  assert.equal(place(packaged, eval_, 'run (/a (b)/c.js:2:3)'), { file: '/a (b)/c.js', line: 2, column: 3 });
  assert.equal(place(packaged), { file: '/app/node_modules/pg/x.js', line: 7, column: 8 });
  assert.equal(place('file:///app/with%20space.js?v=2:2:3'), {
    file: '/app/with space.js',
    line: 2,
    column: 3,
  });
  assert.is(place('node:fs:1:2'), null);
});

test('the place that Node puts before a stack comes first', () => {
  const stack = (before: string) => `${before}\n\nSyntaxError: m\n    at x (/app/main.js:1:1)`;
  const { place, frames } = readStack(stack('/app/bad.cjs:3\nconst x = 1 +;\n             ^'), 'm');
  assert.equal(place, { file: '/app/bad.cjs', line: 3, column: 14 });
  assert.equal(frames, ['at x (/app/main.js:1:1)']);
  // TypeScript's has lines around it.
  const typed = readStack(stack('/app/a.ts:2\nlet a: number;\nenum X {}\n^^^^^^^^^\nexport {};'), 'm');
  assert.equal(typed.place, { file: '/app/a.ts', line: 2, column: 1 });
});

test('a message that looks like a stack is no stack', () => {
  const message = 'first\n    at fake (/app/fake.js:1:1)';
  assert.equal(readStack(`Error: ${message}\n    at real (/app/real.js:2:2)`, message).frames, [
    'at real (/app/real.js:2:2)',
  ]);
});

test.run();
