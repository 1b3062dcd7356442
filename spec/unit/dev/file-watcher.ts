import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FileWatcher } from '../../../lib/dev/file-watcher.js';
import { fileVersion } from '../../../lib/thread/file-version.js';

let folder = '';
let watcher: FileWatcher;
/** What has been reported, and who waits for more. */
let reports: (readonly string[])[] = [];
let onReport = (): void => {};

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-watch-'));
  reports = [];
  watcher = new FileWatcher((files) => {
    reports.push(files);
    onReport();
  });
});

test.after.each(() => {
  watcher.close();
  rmSync(folder, { recursive: true, force: true });
});

function watched(name: string, text = 'text'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  watcher.add([path, fileVersion(path)]);
  return path;
}

/** Resolves with the next report. */
async function reported(): Promise<readonly string[]> {
  const { length } = reports;
  while (reports.length === length) {
    await new Promise<void>((resolve) => {
      onReport = resolve;
    });
  }
  return reports.at(-1)!;
}

test('files that are saved together are one change', async () => {
  const [one, two] = [watched('one'), watched('two')];
  const report = reported();
  writeFileSync(one, 'other text');
  writeFileSync(two, 'other text');
  assert.equal([...(await report)].sort(), [one, two]);
});

test('a file that another one takes the place of has changed', async () => {
  const path = watched('file');
  const report = reported();
  writeFileSync(join(folder, 'new'), 'text');
  renameSync(join(folder, 'new'), path);
  assert.equal(await report, [path]);
});

test('a file that is emptied and then written is one change', async () => {
  const path = watched('file');
  const report = reported();
  writeFileSync(path, '');
  setTimeout(() => writeFileSync(path, 'other text'), 50);
  await report;
  assert.is.not(fileVersion(path).split(':')[1], '0', 'it was written when it was reported');
  assert.is(reports.length, 1);
});

test('a file that is emptied, or removed, is reported in the end', async () => {
  const path = watched('file');
  let report = reported();
  writeFileSync(path, '');
  assert.equal(await report, [path]);
  report = reported();
  rmSync(path);
  assert.equal(await report, [path]);
});

test('a version that was replaced before the file was watched is a change', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'text');
  const version = fileVersion(path);
  writeFileSync(path, 'another text');
  const report = reported();
  watcher.add([path, version]);
  assert.equal(await report, [path]);
});

test('a file in a folder that does not exist yet is found once it does', async () => {
  const path = join(folder, 'later', 'file');
  watcher.add([path, fileVersion(path)]);
  const report = reported();
  const made = mkdtempSync(join(folder, 'x'));
  writeFileSync(join(made, 'file'), 'text');
  renameSync(made, join(folder, 'later'));
  assert.equal(await report, [path]);
});

test('files that are no longer retained, and others of the folder, are not reported', async () => {
  const [left, kept] = [watched('left'), watched('kept')];
  watcher.retain(new Set([kept]));
  const report = reported();
  writeFileSync(left, 'other text');
  writeFileSync(join(folder, 'other'), 'text');
  utimesSync(kept, 1, 1);
  assert.equal(await report, [kept]);
  assert.is(reports.length, 1);
});

test.run();
