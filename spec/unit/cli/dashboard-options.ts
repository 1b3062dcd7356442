/** Where the command has its dashboard, and with which token. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dashboardOptions } from '../../../lib/cli/dashboard-options.js';

const TOKEN = 'a-fixed-token-01';
const BY_DEFAULT = { host: '127.0.0.1', port: 9080, anyPortIfTaken: true, showQueries: false };
const NONE = {
  dashboard: undefined,
  dashboardToken: undefined,
  dashboardTokenFile: undefined,
  dashboardShowQueries: false,
};

let file = '';

test.before(() => {
  file = join(mkdtempSync(join(tmpdir(), 'paceline-token-')), 'token');
});
test.after(() => rmSync(join(file, '..'), { recursive: true }));

function optionsWithFile(text: string) {
  writeFileSync(file, text);
  return dashboardOptions({ ...NONE, dashboardTokenFile: file });
}

test('only the default address may give way to another port', () => {
  assert.equal(dashboardOptions(NONE), { ...BY_DEFAULT, token: undefined });
  const dashboard = { host: '::1', port: 1 };
  assert.equal(dashboardOptions({ ...NONE, dashboard, dashboardShowQueries: true }), {
    ...dashboard,
    token: undefined,
    showQueries: true,
  });
  assert.is(dashboardOptions({ ...NONE, dashboard: 'off', dashboardTokenFile: '/none' }), false);
});

test('the token is that of the environment, or that of the file, without the line break at its end', () => {
  assert.equal(optionsWithFile(`${TOKEN}\n`), { ...BY_DEFAULT, token: TOKEN });
  assert.equal(optionsWithFile(TOKEN), { ...BY_DEFAULT, token: TOKEN });
  const both = { ...NONE, dashboardToken: `${TOKEN}2`, dashboardTokenFile: file };
  assert.equal(dashboardOptions(both), { ...BY_DEFAULT, token: `${TOKEN}2` });
});

test('a file without a token is refused, and what it has is not shown', () => {
  const dashboardTokenFile = join(file, 'none');
  assert.throws(() => dashboardOptions({ ...NONE, dashboardTokenFile }), /token cannot be read \(ENOTDIR\)/);
  for (const text of ['', 'hunter2', `${TOKEN}\n${TOKEN}`, `${TOKEN} `.repeat(2)]) {
    assert.throws(
      () => optionsWithFile(text),
      ({ code, message }: { code: string; message: string }) =>
        code === 'PACELINE_OPTION' &&
        /must be a token of 16 /.test(message) &&
        !/hunter2|fixed/.test(message),
    );
  }
});

test.run();
