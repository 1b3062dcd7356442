import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { typeScriptOptions } from '../../../lib/dev/typescript.js';

const on = (version: string, runsTypeScript = false) => ({ version, runsTypeScript });

test('Node.js that runs TypeScript by itself needs no option, and JavaScript never', () => {
  assert.equal(typeScriptOptions('/a.ts', [], on('22.18.0', true)), []);
  assert.equal(typeScriptOptions('/a.js', [], on('20.0.0')), []);
  assert.equal(typeScriptOptions(undefined, [], on('20.0.0')), []);
});

test('Node.js that can strip types is told to, once', () => {
  for (const name of ['/a.ts', '/a.mts', '/a.cts']) {
    assert.equal(typeScriptOptions(name, [], on('22.6.0')), ['--experimental-strip-types']);
  }
  assert.equal(typeScriptOptions('/a.ts', ['--experimental-strip-types'], on('22.6.0')), []);
});

test('any other is refused in one line, unless a loader compiles', () => {
  for (const version of ['20.20.2', '22.5.1']) {
    assert.throws(
      () => typeScriptOptions('/a.ts', [], on(version)),
      (error: Error) =>
        error.message ===
        `Node.js ${version} does not run TypeScript, which "/a.ts" is; run Node.js 22.18 or later, compile it with tsc, or register a loader in every thread, as the README shows for tsx`,
    );
    for (const option of ['--import', '--import=tsx', '--require', '-r', '--loader=x']) {
      assert.equal(typeScriptOptions('/a.ts', [option], on(version)), []);
    }
  }
});

test.run();
