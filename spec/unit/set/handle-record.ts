/** The plain words of a handle's record: each accessor has a word of its own, and the sweeps find what they look for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARSER_WORDS } from '../../../lib/http/parser/registers.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { HANDLE_WORDS } from '../../../lib/memory/layout.js';
import {
  clearFlag,
  clearSavedBlock,
  countRequest,
  deadlineOf,
  firstDue,
  hasFlag,
  networkOf,
  nextSaved,
  registersAt,
  savedBlock,
  savedLength,
  setFlag,
  storeDeadline,
  storeNetwork,
  storeSaved,
} from '../../../lib/set/handle-record.js';
import { HandleTable } from '../../../lib/set/handle-table.js';

const FD = 9;
const KIND = 2;

function tableWith(...fds: number[]): HandleTable {
  const table = new HandleTable(allocateMemory(1, 64).handles);
  for (const fd of fds) table.open(fd, KIND);
  return table;
}

test('what is stored is read back, and nothing else of the record or of its neighbours changes', () => {
  const table = tableWith(FD);
  const state = table.state(FD);
  storeDeadline(table, FD, -5);
  setFlag(table, FD, 1);
  setFlag(table, FD, 4);
  storeSaved(table, FD, 77, 3000);
  storeNetwork(table, FD, -9);
  assert.is(countRequest(table, FD), 1);
  assert.is(countRequest(table, FD), 2);
  for (let word = 0; word < PARSER_WORDS; word++) table.words[registersAt(FD) + word] = 100 + word;
  assert.is(deadlineOf(table, FD), -5);
  assert.ok(hasFlag(table, FD, 1) && hasFlag(table, FD, 4) && !hasFlag(table, FD, 2));
  assert.is(savedBlock(table, FD), 77);
  assert.is(savedLength(table, FD), 3000);
  assert.is(networkOf(table, FD), -9);
  assert.is(countRequest(table, FD), 3);
  assert.is(table.state(FD), state);
  assert.is(table.kind(FD), KIND);
  for (const other of [FD - 1, FD + 1]) {
    const record = table.words.subarray(other * HANDLE_WORDS, (other + 1) * HANDLE_WORDS);
    assert.ok(record.every((word) => word === 0));
  }
  clearFlag(table, FD, 1);
  clearSavedBlock(table, FD);
  assert.ok(!hasFlag(table, FD, 1) && hasFlag(table, FD, 4));
  assert.is(savedBlock(table, FD), 0);
});

test('the first deadline that has passed is found, across the wrap of the ticks as well', () => {
  const table = tableWith(3, 5, 7);
  assert.is(firstDue(table, 0, 100), 8, 'the end: there is none');
  storeDeadline(table, 3, 101);
  storeDeadline(table, 5, 100);
  storeDeadline(table, 7, 50);
  assert.is(firstDue(table, 0, 100), 5);
  assert.is(firstDue(table, 6, 100), 7);
  assert.is(firstDue(table, 8, 100), 8);
  const now = -0x8000_0000;
  storeDeadline(table, 3, 0x7fff_ffff);
  storeDeadline(table, 5, now + 1);
  storeDeadline(table, 7, 0);
  assert.is(firstDue(table, 0, now), 3);
  assert.is(firstDue(table, 4, now), 8);
});

test('records with saved input are found one after the other', () => {
  const table = tableWith(2, 3, 4, 6);
  assert.is(nextSaved(table, 0), 7, 'the end: there is none');
  storeSaved(table, 3, 1, 10);
  storeSaved(table, 6, 2, 10);
  assert.equal([nextSaved(table, 0), nextSaved(table, 4), nextSaved(table, 7)], [3, 6, 7]);
});

test.run();
