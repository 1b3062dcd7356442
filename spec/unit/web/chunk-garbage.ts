import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { setImmediate as nextPass } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { passedOn, SCAVENGE_BYTES } from '../../../lib/web/chunk-garbage.js';

const PART_BYTES = 64 * 1024;
const PARTS_PER_SCAVENGE = SCAVENGE_BYTES / PART_BYTES;

/** @returns the number of scavenges during `work` that were requested, not started by V8 itself */
async function scavengesDuring(work: () => void): Promise<number> {
  let scavenges = 0;
  const count = (entries: PerformanceEntry[]): void => {
    for (const entry of entries) {
      const { kind, flags } = (entry as PerformanceEntry & { detail: NodeGCPerformanceDetail }).detail;
      const minor = kind === constants.NODE_PERFORMANCE_GC_MINOR;
      if (minor && ((flags ?? 0) & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0) scavenges++;
    }
  };
  const observer = new PerformanceObserver((list) => count(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  work();
  // Entries are queued in one immediate, and delivered in another.
  await nextPass();
  await nextPass();
  count(observer.takeRecords());
  observer.disconnect();
  return scavenges;
}

test('garbage is collected each time that enough chunks have been passed on, and not before', async () => {
  const parts = (count: number) => () => {
    for (let part = 0; part < count; part++) passedOn(PART_BYTES);
  };
  assert.is(await scavengesDuring(parts(PARTS_PER_SCAVENGE - 1)), 0);
  assert.is(await scavengesDuring(parts(1)), 1);
  assert.is(await scavengesDuring(parts(5 * PARTS_PER_SCAVENGE)), 5);
});

test('an app does not find the collector among its globals', () => {
  passedOn(SCAVENGE_BYTES);
  assert.is(typeof globalThis.gc, 'undefined');
  assert.is(runInNewContext('typeof gc'), 'undefined');
});

test.run();
