/** Requests whose handlers take their time: one of a hundred, the same ones for the open loop and for wrk. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanUpAtExit } from '../../../scripts/bench/children.js';
import { blockingScript, isHeld, requestOf } from '../../../scripts/bench/long-requests.js';

const NUMBERS = Array.from({ length: 100_000 }, (_, index) => index + 1);

cleanUpAtExit();

test('one of a hundred requests blocks, and they are scattered', () => {
  const held = NUMBERS.filter((number) => isHeld('blocking', number));
  assert.ok(Math.abs(held.length - NUMBERS.length / 100) < 50, `${held.length}`);
  const gaps = new Set(held.slice(1).map((number, index) => number - held[index]!));
  assert.ok(gaps.size > 2, `gaps ${[...gaps]}`);
});

test('the others of that kind, and all of other kinds, do not', () => {
  const number = NUMBERS.find((candidate) => isHeld('blocking', candidate))!;
  assert.match(requestOf('blocking', number).toString(), 'GET /block?ms=20 ');
  assert.match(requestOf('blocking', number + 1).toString(), 'GET /hello ');
  assert.match(requestOf('cpu', number).toString(), 'GET /work?rounds=');
  assert.not.ok(isHeld('cpu', number) || isHeld('hello', number));
});

test('the script of wrk picks the same ones', () => {
  const script = readFileSync(blockingScript(), 'utf8');
  const condition = /if (.*) then return block end/.exec(script)![1]!;
  const picks = new Function('number', `return ${condition}`) as (number: number) => boolean;
  assert.ok(NUMBERS.every((number) => picks(number) === isHeld('blocking', number)));
});

test.run();
