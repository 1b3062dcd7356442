/** The formats of numbers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ago,
  bytes,
  count,
  duration,
  percent,
  rate,
  ratio,
  rounded,
} from '../../../../lib/dashboard/page/format.js';

/** The text with ordinary spaces. */
const plain = (text: string): string => text.replaceAll('\u202f', ' ');

test('durations have the unit that leaves three digits', () => {
  const said: [number, string][] = [
    [0, '0 µs'],
    [0.0004, '0 µs'],
    [0.021, '21 µs'],
    [0.9996, '1.00 ms'],
    [9.994, '9.99 ms'],
    [9.996, '10.0 ms'],
    [312.4, '312 ms'],
    [999.6, '1.0 s'],
    [59_900, '59.9 s'],
    [59_960, '1:00 min'],
    [125_000, '2:05 min'],
    [3_725_000, '1:02 h'],
    [-3, '0 ms'],
  ];
  for (const [ms, text] of said) assert.is(plain(duration(ms)), text, String(ms));
});

test('an unknown value is a dash, never NaN', () => {
  for (const words of [duration, rate, bytes, count, percent, ratio]) {
    for (const nothing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
      assert.is(words(nothing), '–');
  }
});

test('counts and rates have their thousands separated', () => {
  assert.is(plain(count(0)), '0');
  assert.is(plain(count(1234)), '1 234');
  assert.is(plain(count(12_345_678)), '12 345 678');
  assert.is(plain(rate(0)), '0 /s');
  assert.is(plain(rate(0.3)), '0.3 /s');
  assert.is(plain(rate(57.4)), '57 /s');
  assert.is(plain(rate(99_949)), '99 949 /s');
  assert.is(plain(rate(140_000)), '140 k/s');
  assert.is(plain(rate(1_234_567)), '1.23 M/s');
});

test('bytes, shares and ratios', () => {
  assert.is(plain(bytes(999)), '999 B');
  assert.is(plain(bytes(999.7)), '1.00 kB');
  assert.is(plain(bytes(1_500_000)), '1.50 MB');
  assert.is(plain(percent(0)), '0 %');
  assert.is(plain(percent(0.001)), '<1 %');
  assert.is(plain(percent(1.2)), '100 %');
  assert.is(ratio(0.567), '0.57');
});

test('an axis has no zeros after the decimal point, and keeps those before it', () => {
  assert.is(plain(rounded(duration(1))), '1 ms');
  assert.is(plain(rounded(bytes(1_500_000))), '1.5 MB');
  assert.is(plain(rounded(count(100))), '100');
  assert.is(plain(rounded(duration(100))), '100 ms');
});

test('times ago', () => {
  assert.is(ago(12), 'now');
  assert.is(plain(ago(12_400)), '12.4 s ago');
  assert.is(plain(ago(65_000)), '1:05 min ago');
});

test.run();
