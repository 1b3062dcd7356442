import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultOf, OPTIONS, SERVER_OPTIONS } from '../../../lib/options/option-table.js';
import { optionsPage, withReadmeTable } from '../../../scripts/options-page.js';

const STALE = 'is stale: npm run docs:options makes it anew';

test('docs/options.md and the table of the README are those of the table of options', () => {
  assert.is(readFileSync('docs/options.md', 'utf8'), optionsPage(), `docs/options.md ${STALE}`);
  const readme = readFileSync('README.md', 'utf8');
  assert.is(readme, withReadmeTable(readme), `the README ${STALE}`);
});

test('every option is described in one sentence', () => {
  for (const { name, description } of OPTIONS) assert.match(description, /^[A-Z][^\n]*[^.]\.$/, name);
});

/** The comments of `ServerOptions` by option, on one line each and with their numbers as the code has them. */
function commentsOfServerOptions(): Map<string, string> {
  const source = readFileSync('lib/options/server-options.ts', 'utf8');
  const body = /^export interface ServerOptions \{\n(.*?)^\}/ms.exec(source)![1]!;
  const members = body.matchAll(/\/\*\*(.*?)\*\/\n {2}(\w+)\?:/gs);
  return new Map(
    Array.from(members, ([, comment, name]) => [
      name!,
      comment!.replace(/\s+(\* )?/g, ' ').replace(/(?<=\d),(?=\d{3})/g, ''),
    ]),
  );
}

test('the reference for embedders has the defaults and the bounds of the table', () => {
  const comments = commentsOfServerOptions();
  for (const option of OPTIONS) {
    // Only the command has a dashboard by default.
    if (!(option.name in SERVER_OPTIONS) || option.name === 'dashboard') continue;
    const comment = comments.get(option.name)!;
    const [, byDefault] = /Default(?:, [^:]*)?: [`']*(.*)/.exec(comment)!;
    assert.ok(byDefault!.startsWith(defaultOf(option)), `${option.name}: ${byDefault}`);
    const [bounds] = /\d+ to \d+/.exec(comment) ?? [];
    if (bounds !== undefined) assert.match(option.kind.range!, bounds, option.name);
  }
});

test.run();
