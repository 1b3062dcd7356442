import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorPage } from '../../../lib/report/error-page.js';
import type { ErrorRecord } from '../../../lib/report/error-record.js';

const HOSTILE = '</script><img src=x onerror="alert(\'1\')">&\u001b[2J';
const RECORD: ErrorRecord = {
  name: 'TypeError',
  message: HOSTILE,
  stack: `    at ${HOSTILE} (/app.js:2:3)`,
  location: { file: `/${HOSTILE}.js`, line: 2, column: 3 },
  frame: `  1 | ${HOSTILE}\n> 2 | b\n    | ^`,
  cause: { name: 'Error', message: `cause ${HOSTILE}` },
  errors: [{ name: 'Error', message: `part ${HOSTILE}` }],
};
const page = (accept: string | null, record = RECORD) =>
  errorPage(record, { title: HOSTILE, accept, version: HOSTILE });

test('the type is HTML or JSON where the client names it, and text otherwise', () => {
  for (const [accept, type] of [
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['application/json', 'application/json'],
    ['application/problem+json', 'application/json'],
    ['*/*', 'text/plain; charset=utf-8'],
    [null, 'text/plain; charset=utf-8'],
  ] as const) {
    assert.is(page(accept).type, type, String(accept));
  }
});

test('whatever an error says, it is text in the page', () => {
  const { body } = page('text/html');
  const inside = body.replace(
    /<\/?(?:html|head|meta|title|style|body|header|main|h1|p|pre|b|footer|script)\b[^<>]*>/g,
    '',
  );
  const [shown, script] = [
    inside.replace(/\(async[\s\S]*\)\(\);/u, ''),
    /<script>([\s\S]*?)<\/script>/u.exec(body)![1]!,
  ];
  assert.not.match(shown, /<\w/);
  assert.not.match(shown, '\u001b');
  assert.not.match(script, '<');
  assert.is(body.match(/<script>/g)!.length, 1);
  assert.is(body.match(/<\/script>/g)!.length, 1);
  for (const part of ['cause &lt;', 'part &lt;', '.js:2:3', '<b>&gt; 2 | b</b>']) assert.match(body, part);
});

test('an error without place and stack is a page as well', () => {
  const { body } = page('text/html', { name: 'Error', message: '' });
  assert.match(body, '<h1>Error</h1>');
  assert.not.match(body, '<pre>');
});

test('the page loads itself again at any other answer, also where all are redirected to another origin', async () => {
  const [, script] = /<script>([\s\S]*?)<\/script>/u.exec(page('text/html').body)!;
  const modes: unknown[] = [];
  const fetched = async (_path: string, { redirect }: RequestInit) => {
    modes.push(redirect);
    // As a browser shows a redirection that it does not follow.
    return { text: async () => '' };
  };
  await new Promise<void>((reload) => {
    const names = ['document', 'fetch', 'location', 'setTimeout'];
    new Function(...names, script!)({ hidden: false }, fetched, { reload }, setImmediate);
  });
  assert.equal(modes, ['manual']);
});

test('JSON has the record', () => {
  assert.equal(JSON.parse(page('application/json').body), { title: HOSTILE, error: RECORD });
});

test.run();
