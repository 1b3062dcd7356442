// `npm run model`: checks the protocols of spec/model with spin: election and parking, the request queue, the dealing of
// half-sync/half-async, and the channels of the simulated Proactor.
//
//   npm run model                all configurations, and the broken variants, which must fail
//   npm run model -- --quick     the small configurations and a part of the broken variants; for CI
//
// Every search is exhaustive: no bitstate hashing, no partial-order reduction, and a search that ran out of depth or
// memory counts as failed. Exit code 0: all as expected; 1: not so; 2: spin or a C compiler is missing, or a bad option.
// SIGINT and SIGTERM end it, and leave no files behind.

import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const MODELS = resolve(import.meta.dirname, '../../spec/model');
const ELECTION = 'election.pml';
const REQUEST_QUEUE = 'request-queue.pml';
const DEALING_MODEL = 'dealing.pml';
const CHANNEL_MODEL = 'channel.pml';
/** Steps of a search's path at most. The longest seen had 4.8 million; each costs about 50 bytes. */
const MAX_DEPTH = 6_000_000;
/** Memory of a search at most. */
const MAX_MEMORY_MIB = 6144;
/** A search takes up to three minutes on an idle machine, and several times that on a busy one; beyond this something is wrong. */
const TIMEOUT_MS = 1_800_000;

interface Configuration {
  /** A file of spec/model. */
  readonly model: string;
  readonly name: string;
  readonly macros: readonly string[];
  /** The claim that a broken variant must violate; absent for the protocol itself. */
  readonly fails?: Claim;
  readonly quick: boolean;
}

type Claim =
  | 'entry whole'
  | 'one leader'
  | 'everybody left'
  | 'events taken'
  | 'own work done'
  | 'somebody leads'
  | 'input served'
  | 'counts'
  | 'drained'
  | 'one set'
  | 'in order'
  | 'owned'
  | TemporalClaim;

/** Claims about whole schedules; a search has at most one of them. */
type TemporalClaim = 'served' | 'taken' | 'left';

/** The macro that chooses a claim. */
const TEMPORAL: ReadonlyMap<string, TemporalClaim> = new Map([
  ['PROMISE', 'served'],
  ['FAIR', 'taken'],
  ['LEAVING', 'left'],
]);

/** The names in the model's assertions. */
const CLAIMS: readonly (readonly [string, Claim])[] = [
  ['entry[', 'entry whole'],
  ['leaders', 'one leader'],
  ['everybodyLeft', 'everybody left'],
  ['eventsTaken', 'events taken'],
  ['ownWorkDone', 'own work done'],
  ['somebodyLeads', 'somebody leads'],
  ['inputServed', 'input served'],
  ['counts', 'counts'],
  ['drained', 'drained'],
  ['inSets', 'one set'],
  ['inOrder', 'in order'],
  ['owned', 'owned'],
];

interface Outcome {
  /** The claim that was violated; null for none. */
  readonly violated: Claim | null;
  readonly states: number;
  /** Why the search has no result. */
  readonly trouble?: string;
}

/** A set of threads, as the bits that a macro of the model takes. */
const ONLY_0 = 1;
const ONLY_1 = 2;
const ONLY_2 = 4;
const NOT_0 = 6;
const NOT_1 = 5;
const ALL = 7;

const sound = (name: string, quick: boolean, ...macros: string[]): Configuration => ({
  model: ELECTION,
  name,
  macros,
  quick,
});

const SOUND: readonly Configuration[] = [
  sound('election', true, 'EVENTS=2'),
  sound('election, served', false, 'EVENTS=1', 'PROMISE'),
  sound('hand-off to thread 0', false, `HANDOFF=${ONLY_0}`, 'EVENTS=1'),
  sound('hand-off to threads 1 and 2', false, `HANDOFF=${NOT_0}`, 'EVENTS=1', 'SUPPLY=2'),
  sound('hand-off, served', false, `HANDOFF=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=1', 'PROMISE'),
  sound('hand-off, deferred work', false, `HANDOFF=${ONLY_1}`, `DEFER=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=2'),
  sound('hand-off by the timeouts', false, `HANDOFF=${ONLY_1}`, 'TIMEOUT', 'EVENTS=1', 'SUPPLY=1'),
  sound('loop of thread 0', false, `LOOP=${ONLY_0}`, 'EVENTS=1'),
  sound('loop of thread 2', false, `LOOP=${ONLY_2}`, 'EVENTS=1'),
  sound('loops', true, `LOOP=${ALL}`, 'EVENTS=1', 'SUPPLY=1', 'LOOP_SUPPLY=1'),
  sound('loops, served', false, `LOOP=${ALL}`, 'EVENTS=1', 'SUPPLY=0', 'LOOP_SUPPLY=2', 'PROMISE'),
  sound('loop, served', false, `LOOP=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1', 'LOOP_SUPPLY=2', 'PROMISE'),
  sound('loop, long handlers', false, `LOOP=${ONLY_0}`, 'LONG', 'EVENTS=1', 'SUPPLY=1', 'LOOP_SUPPLY=2'),
  sound(
    'loop, hand-off',
    false,
    `LOOP=${NOT_0}`,
    `HANDOFF=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
    'LOOP_SUPPLY=1',
  ),
  sound('perpetual work', true, `PERPETUAL=${ALL}`, 'EVENTS=1', 'FAIR'),
  sound('perpetual work of 1 and 2', false, `PERPETUAL=${NOT_0}`, 'EVENTS=1', 'FAIR'),
  sound('perpetual work, hand-off', true, `PERPETUAL=${ALL}`, `HANDOFF=${ONLY_1}`, 'EVENTS=1', 'FAIR'),
  sound(
    'perpetual work of 1 and 2, hand-off',
    false,
    `PERPETUAL=${NOT_0}`,
    `HANDOFF=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=3',
    'FAIR',
  ),
  sound(
    'perpetual work, loop, long handlers',
    false,
    `PERPETUAL=${ALL}`,
    `LOOP=${ONLY_0}`,
    'LONG',
    'EVENTS=1',
    'FAIR',
  ),
  sound('stop', true, 'STOP', 'EVENTS=1', 'SUPPLY=0'),
  sound('stop, one event', false, 'STOP', 'EVENTS=1', 'SUPPLY=1'),
  sound('stop, served', false, 'STOP', 'EVENTS=1', 'SUPPLY=0', 'PROMISE'),
  sound('stop, hand-off', false, 'STOP', `HANDOFF=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=0'),
  sound('stop, loops', false, 'STOP', `LOOP=${ALL}`, 'EVENTS=1', 'SUPPLY=0', 'LOOP_SUPPLY=1'),
  sound(
    'stop, perpetual work, hand-off',
    false,
    'STOP',
    `PERPETUAL=${ALL}`,
    `HANDOFF=${ONLY_1}`,
    'EVENTS=1',
    'LEAVING',
  ),
  sound('stop, death', false, 'STOP', `DEATH=${ALL}`, 'EVENTS=1', 'SUPPLY=0'),
  sound('stop, two deaths of 0', false, 'STOP', `DEATH=${ONLY_0}`, 'DEATHS=2', 'EVENTS=1', 'SUPPLY=0'),
  sound('death', false, `DEATH=${ALL}`, 'EVENTS=1'),
  sound('death, served', false, `DEATH=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1', 'PROMISE'),
  sound('death, hand-off', false, `DEATH=${ALL}`, `HANDOFF=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=1'),
  sound('death of 1, hand-off to 1', false, `DEATH=${ONLY_1}`, `HANDOFF=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=2'),
  sound('death, loop', false, `DEATH=${ONLY_0}`, `LOOP=${ONLY_2}`, 'EVENTS=1', 'SUPPLY=1', 'LOOP_SUPPLY=1'),
  sound(
    'death, hand-off by the timeouts',
    false,
    `DEATH=${ONLY_0}`,
    'NO_REPLACEMENT',
    `HANDOFF=${ONLY_1}`,
    'TIMEOUT',
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound('two deaths of 0', true, `DEATH=${ONLY_0}`, 'DEATHS=2', 'EVENTS=1', 'SUPPLY=1'),
  sound('two deaths', false, `DEATH=${ALL}`, 'DEATHS=2', 'EVENTS=1', 'SUPPLY=1'),
  sound('two deaths of 0, two events', false, `DEATH=${ONLY_0}`, 'DEATHS=2', 'EVENTS=1', 'SUPPLY=2'),
  sound(
    'two deaths of 1, hand-off to 1',
    false,
    `DEATH=${ONLY_1}`,
    'DEATHS=2',
    `HANDOFF=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound('two deaths, served', false, `DEATH=${ONLY_0}`, 'DEATHS=2', 'EVENTS=1', 'SUPPLY=1', 'PROMISE'),
  sound('yielding', false, 'YIELD', 'EVENTS=1'),
  sound('yielding to thread 0', true, 'YIELD', `HOSTS=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound('yielding, served', false, 'YIELD', `HOSTS=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1', 'PROMISE'),
  sound('yielding to 1 and 2, served', true, 'YIELD', `HOSTS=${NOT_0}`, 'EVENTS=1', 'SUPPLY=1', 'PROMISE'),
  sound('yielding, hand-off', false, 'YIELD', `HOSTS=${ONLY_0}`, `HANDOFF=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'yielding, loop',
    false,
    'YIELD',
    `HOSTS=${ONLY_0}`,
    `LOOP=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
    'LOOP_SUPPLY=1',
  ),
  sound('yielding, perpetual work', true, 'YIELD', `HOSTS=${ONLY_0}`, `PERPETUAL=${ALL}`, 'EVENTS=1', 'FAIR'),
  sound('yielding, stop', false, 'YIELD', `HOSTS=${ONLY_0}`, 'STOP', 'EVENTS=1', 'SUPPLY=0'),
  sound('yielding, death of 0', false, 'YIELD', `HOSTS=${ONLY_0}`, `DEATH=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound('yielding, death of 1', false, 'YIELD', `HOSTS=${ONLY_0}`, `DEATH=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=1'),
  sound('deferring', false, `NO_HOST=${NOT_0}`, 'EVENTS=1'),
  sound('deferring of thread 2', false, `NO_HOST=${ONLY_2}`, 'EVENTS=1'),
  sound('deferring, served', false, `NO_HOST=${NOT_0}`, 'EVENTS=1', 'PROMISE'),
  sound(
    'deferring, about to block, served',
    true,
    `NO_HOST=${NOT_0}`,
    'BLOCKING',
    'EVENTS=1',
    'SUPPLY=1',
    'PROMISE',
  ),
  sound('deferring, about to block', false, `NO_HOST=${NOT_0}`, 'BLOCKING', 'EVENTS=1'),
  sound('deferring, hand-off', false, `NO_HOST=${NOT_0}`, `HANDOFF=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=2'),
  sound(
    'deferring, hand-off, served',
    false,
    `NO_HOST=${NOT_0}`,
    `HANDOFF=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
    'PROMISE',
  ),
  sound(
    'deferring, loop',
    true,
    `NO_HOST=${NOT_0}`,
    `LOOP=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
    'LOOP_SUPPLY=1',
  ),
  sound(
    'deferring, loops',
    false,
    `NO_HOST=${NOT_0}`,
    `LOOP=${ALL}`,
    'EVENTS=1',
    'SUPPLY=1',
    'LOOP_SUPPLY=1',
  ),
  sound(
    'deferring, loop, served',
    false,
    `NO_HOST=${NOT_0}`,
    `LOOP=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
    'LOOP_SUPPLY=1',
    'PROMISE',
  ),
  sound('deferring, stop', false, `NO_HOST=${NOT_0}`, 'STOP', 'EVENTS=1', 'SUPPLY=1'),
  sound('deferring, stop, served', false, `NO_HOST=${NOT_0}`, 'STOP', 'EVENTS=1', 'SUPPLY=0', 'PROMISE'),
  sound('deferring, death', false, `NO_HOST=${NOT_0}`, `DEATH=${ALL}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'deferring, two deaths of 0',
    false,
    `NO_HOST=${NOT_0}`,
    `DEATH=${ONLY_0}`,
    'DEATHS=2',
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound(
    'deferring, two deaths of 1',
    false,
    `NO_HOST=${NOT_0}`,
    `DEATH=${ONLY_1}`,
    'DEATHS=2',
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound('yielding, deferring', true, 'YIELD', `HOSTS=${ONLY_0}`, `NO_HOST=${NOT_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'yielding, deferring, more events',
    false,
    'YIELD',
    `HOSTS=${ONLY_0}`,
    `NO_HOST=${NOT_0}`,
    'EVENTS=1',
  ),
  sound('yielding to any, deferring', false, 'YIELD', `NO_HOST=${NOT_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'yielding, deferring, served',
    false,
    'YIELD',
    `HOSTS=${ONLY_0}`,
    `NO_HOST=${NOT_0}`,
    'EVENTS=1',
    'SUPPLY=1',
    'PROMISE',
  ),
  sound(
    'yielding, deferring, death of 1',
    false,
    'YIELD',
    `HOSTS=${ONLY_0}`,
    `NO_HOST=${NOT_0}`,
    `DEATH=${ONLY_1}`,
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound('hand-over', true, `HANDOVER=${ALL}`, 'EVENTS=1', 'SUPPLY=1'),
  sound('hand-over to thread 1', false, `HANDOVER=${ONLY_1}`, 'EVENTS=1', 'SUPPLY=2'),
  sound('hand-over, served', false, `HANDOVER=${ALL}`, 'EVENTS=1', 'SUPPLY=1', 'PROMISE'),
  sound('hand-over, hand-off', true, `HANDOVER=${ONLY_1}`, `HANDOFF=${ONLY_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'hand-over, perpetual work',
    false,
    `HANDOVER=${ONLY_1}`,
    `PERPETUAL=${NOT_1}`,
    'EVENTS=1',
    'SUPPLY=2',
    'FAIR',
  ),
  sound('hand-over, stop', false, `HANDOVER=${ALL}`, 'STOP', 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'hand-over, yielding',
    false,
    `HANDOVER=${NOT_0}`,
    'YIELD',
    `HOSTS=${ONLY_0}`,
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound('hand-over, deferring', false, `HANDOVER=${NOT_0}`, `NO_HOST=${NOT_0}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'hand-over, yielding, deferring',
    false,
    `HANDOVER=${NOT_0}`,
    'YIELD',
    `HOSTS=${ONLY_0}`,
    `NO_HOST=${NOT_0}`,
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound(
    'hand-over, deferring, death of 1',
    false,
    `HANDOVER=${ONLY_1}`,
    `NO_HOST=${NOT_0}`,
    `DEATH=${ONLY_1}`,
    'NO_REPLACEMENT',
    'EVENTS=1',
    'SUPPLY=1',
  ),
  sound('hand-over, death', false, `HANDOVER=${ONLY_1}`, `DEATH=${ALL}`, 'EVENTS=1', 'SUPPLY=1'),
  sound(
    'hand-over, death of 1 without replacement',
    false,
    `HANDOVER=${ONLY_1}`,
    `DEATH=${ONLY_1}`,
    'NO_REPLACEMENT',
    'EVENTS=1',
    'SUPPLY=1',
  ),
];

/** One for each part of the protocol. */
const QUICK_VARIANTS: ReadonlySet<string> = new Set([
  'NO_CAS',
  'DEAF_SLEEP',
  'NO_RESET',
  'RESET_FIRST',
  'HAND_OFF_IGNORED',
  'STAND_DOWN_BLIND',
  'LEAD_LAST',
  'HAND_OFF_LAST',
  'WAIT_BLIND',
  'LED_ENDLESSLY',
  'RESCAN_ONCE',
  'YIELD_AGAIN',
  'DEFER_BLIND',
  'DEFER_PROMOTED',
  'RING_BEFORE_PUT',
]);

const broken = (variant: string, fails: Claim, ...macros: string[]): Configuration => ({
  model: ELECTION,
  name: variant.toLowerCase().replaceAll('_', ' '),
  macros: [`BROKEN_${variant}`, 'EVENTS=1', ...macros],
  fails,
  quick: QUICK_VARIANTS.has(variant),
});

/** Each changes the protocol at one place; election.pml says where and how. */
const BROKEN: readonly Configuration[] = [
  broken('NO_CAS', 'one leader'),
  broken('NO_WAKE', 'events taken'),
  broken('LOOK_FIRST', 'events taken'),
  broken('RING_FIRST', 'events taken'),
  broken('RESET_FIRST', 'events taken'),
  broken('NO_RESET', 'served', 'PROMISE'),
  broken('MARK_LEFT', 'events taken'),
  broken('TRIED_ONCE', 'events taken'),
  broken('STAND_DOWN_BLIND', 'events taken'),
  broken('WATCH_READ_FIRST', 'events taken'),
  broken('WAKING_LATE', 'events taken', `HANDOFF=${ONLY_0}`),
  broken('END_LATE', 'events taken', `HANDOFF=${ONLY_0}`),
  broken('OWN_WORK_FIRST', 'events taken', `HANDOFF=${ONLY_0}`),
  broken('RELIED_IGNORED', 'events taken', `HANDOFF=${ONLY_0}`),
  broken('VACANCY_FORGOTTEN', 'events taken', `HANDOFF=${ONLY_0}`),
  broken('HAND_OFF_IGNORED', 'own work done', `HANDOFF=${ONLY_0}`),
  broken('WAKE_BEFORE_PUT', 'own work done', `HANDOFF=${ONLY_0}`),
  broken('LEAD_WITH_HAND_OFF', 'own work done', `HANDOFF=${ONLY_0}`),
  broken('SILENT_EXPIRY', 'own work done', `HANDOFF=${ONLY_0}`, 'TIMEOUT', 'SUPPLY=2'),
  broken('PARK_WITH_WORK', 'served', `HANDOFF=${ONLY_1}`, 'PROMISE'),
  broken('DEAF_SLEEP', 'own work done', `LOOP=${ONLY_0}`),
  broken('DEAF_WAIT', 'own work done', `LOOP=${ONLY_0}`),
  broken('LEAD_LAST', 'taken', `PERPETUAL=${ALL}`, 'FAIR'),
  broken('KERNEL_LAST', 'taken', `PERPETUAL=${ALL}`, 'FAIR'),
  broken('HAND_OFF_LAST', 'taken', `PERPETUAL=${ALL}`, `HANDOFF=${ONLY_1}`, 'FAIR'),
  broken('WAIT_BLIND', 'everybody left', 'STOP', 'SUPPLY=0'),
  broken('PARK_BLIND', 'everybody left', 'STOP', 'SUPPLY=0'),
  broken('LED_ENDLESSLY', 'left', 'STOP', `PERPETUAL=${ALL}`, `HANDOFF=${ONLY_1}`, 'LEAVING'),
  broken('NO_REVOKE', 'somebody leads', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken('WAKING_KEPT', 'somebody leads', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken('WATCH_KEPT', 'somebody leads', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken('WATCH_LATE', 'somebody leads', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken('WAKE_NOBODY', 'somebody leads', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken('CLAIMED_LEFT', 'somebody leads', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken('REPAIR_LATE', 'events taken', `DEATH=${ONLY_0}`, 'SUPPLY=2'),
  broken(
    'SILENT_RECOVERY',
    'own work done',
    `DEATH=${ONLY_0}`,
    'NO_REPLACEMENT',
    `HANDOFF=${ONLY_1}`,
    'TIMEOUT',
    'SUPPLY=1',
  ),
  broken('RESCAN_ONCE', 'events taken', `DEATH=${ONLY_0}`, 'DEATHS=2', 'SUPPLY=1'),
  broken('YIELD_AGAIN', 'served', 'YIELD', `HOSTS=${ONLY_0}`, 'PROMISE'),
  broken('DEFER_BLIND', 'events taken', `NO_HOST=${NOT_0}`),
  broken('DEFER_WAKING_FIRST', 'events taken', `NO_HOST=${NOT_0}`),
  broken('DEFER_WATCH_FIRST', 'events taken', `NO_HOST=${NOT_0}`),
  broken('DEFER_PROMOTED', 'somebody leads', `NO_HOST=${NOT_0}`, `HANDOFF=${ONLY_1}`, 'SUPPLY=1'),
  broken('RING_BEFORE_PUT', 'own work done', `HANDOVER=${ONLY_1}`, 'SUPPLY=1'),
  broken('TAKEN_FIRST', 'events taken', `HANDOVER=${ONLY_1}`, `DEATH=${ONLY_1}`, 'SUPPLY=1'),
  broken('DISCARD_FORGOTTEN', 'events taken', `HANDOVER=${ONLY_1}`, `DEATH=${ONLY_1}`, 'SUPPLY=1'),
  broken('SILENT_DISCARD', 'events taken', `HANDOVER=${ONLY_1}`, `DEATH=${ONLY_1}`, 'SUPPLY=1'),
  broken('LATE_PUT', 'events taken', `HANDOVER=${ONLY_1}`, `DEATH=${ONLY_1}`, 'SUPPLY=1'),
  broken('LATE_PUT_LOST', 'events taken', `HANDOVER=${ONLY_1}`, `DEATH=${ONLY_1}`, 'SUPPLY=1'),
];

const queue = (name: string, quick: boolean, ...macros: string[]): Configuration => ({
  model: REQUEST_QUEUE,
  name: `queue, ${name}`,
  macros,
  quick,
});

const brokenQueue = (variant: string, fails: Claim, ...macros: string[]): Configuration => ({
  model: REQUEST_QUEUE,
  name: `queue, ${variant.toLowerCase().replaceAll('_', ' ')}`,
  macros: [`BROKEN_${variant}`, 'LEAN', ...macros],
  fails,
  // Those with deaths, and with more entries, take the longest.
  quick: !macros.some((macro) => macro.startsWith('DEATH=') || macro === 'SUPPLY=3'),
});

const QUEUE: readonly Configuration[] = [
  queue('two cells', false, 'SUPPLY=3'),
  queue('two cells, lean', false, 'LEAN', 'SUPPLY=3'),
  queue('one cell', false, 'ROOM=1', 'SUPPLY=3'),
  queue('untimed', true, 'UNTIMED', 'SUPPLY=3'),
  queue('served', false, 'SUPPLY=2', 'PROMISE'),
  queue('one worker, served', true, 'ALONE', 'ROOM=1', 'SUPPLY=3', 'PROMISE'),
  queue('one worker, deaths of it', true, 'ALONE', 'LEAN', `DEATH=${ONLY_1}`, 'ROOM=1', 'SUPPLY=2'),
  queue(
    'one worker, death of the I/O thread',
    true,
    'ALONE',
    'LEAN',
    `DEATH=${ONLY_0}`,
    'ROOM=1',
    'SUPPLY=2',
  ),
  queue('one worker, two deaths', false, 'ALONE', 'LEAN', `DEATH=${ALL}`, 'DEATHS=2', 'ROOM=1', 'SUPPLY=2'),
  queue('death of the I/O thread', false, 'UNTIMED', 'LEAN', `DEATH=${ONLY_0}`, 'ROOM=1', 'SUPPLY=2'),
  queue('death of a worker', false, 'UNTIMED', 'LEAN', `DEATH=${ONLY_1}`, 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('NO_WAKE', 'events taken', 'UNTIMED', 'SUPPLY=1'),
  brokenQueue('BITS_FIRST', 'events taken', 'UNTIMED', 'SUPPLY=1'),
  brokenQueue('LOOK_FIRST', 'events taken', 'UNTIMED', 'SUPPLY=1'),
  brokenQueue('FULL_FIRST', 'entry whole', 'SUPPLY=1'),
  brokenQueue('FREED_FIRST', 'entry whole', 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('NO_CAS', 'entry whole', 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('NO_CHECK', 'events taken', 'SUPPLY=2'),
  brokenQueue('ROOM_FIRST', 'events taken', 'UNTIMED', 'ALONE', 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('AWAITED_LATE', 'events taken', 'UNTIMED', 'ALONE', 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('AWAITED_CLEARED', 'events taken', 'SUPPLY=3'),
  brokenQueue('SILENT_ROOM', 'events taken', 'UNTIMED', 'ALONE', 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('COUNTED_LATE', 'events taken', 'ALONE', `DEATH=${ONLY_0}`, 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('NO_RECORD', 'events taken', 'ALONE', `DEATH=${ONLY_1}`, 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('RECORDED_LATE', 'events taken', 'ALONE', `DEATH=${ONLY_1}`, 'ROOM=1', 'SUPPLY=2'),
  brokenQueue('RECORD_KEPT', 'served', 'ALONE', `DEATH=${ONLY_1}`, 'ROOM=1', 'SUPPLY=2', 'PROMISE'),
  brokenQueue('SETTLED_EARLY', 'events taken', 'ALONE', `DEATH=${ONLY_1}`, 'ROOM=1', 'SUPPLY=2'),
];

const dealing = (name: string, quick: boolean, ...macros: string[]): Configuration => ({
  name: `dealing${name}`,
  model: DEALING_MODEL,
  macros,
  quick,
});

const brokenDealing = (
  variant: string,
  fails: Claim,
  quick: boolean,
  ...macros: string[]
): Configuration => ({
  name: `dealing, ${variant.toLowerCase().replaceAll('_', ' ')}`,
  model: DEALING_MODEL,
  macros: [`BROKEN_${variant}`, 'SUPPLY=1', ...macros],
  fails,
  quick,
});

const DEALING: readonly Configuration[] = [
  dealing('', true, 'SUPPLY=2'),
  dealing(', timeouts', true, 'TIMEOUTS=1', 'SUPPLY=2'),
  dealing(', death of the acceptor', true, `DEATH=${ONLY_0}`, 'SUPPLY=1'),
  dealing(', death', false, `DEATH=${ALL}`, 'SUPPLY=2'),
  dealing(', drain', true, 'DRAIN', 'SUPPLY=1'),
  dealing(', drain, death of the acceptor', false, 'DRAIN', `DEATH=${ONLY_0}`, 'SUPPLY=1'),
  dealing(', drain, death of a worker', false, 'DRAIN', `DEATH=${ONLY_1}`, 'SUPPLY=1'),
  brokenDealing('LEAVE_BLIND', 'input served', true, 'TIMEOUTS=1'),
  brokenDealing('NO_RESCAN', 'input served', true, `DEATH=${ONLY_1}`),
  brokenDealing('SILENT', 'input served', false, `DEATH=${ONLY_1}`),
  brokenDealing('SCAN_ADDS', 'one set', false, `DEATH=${ONLY_1}`),
  brokenDealing('COUNT_LATE', 'counts', true, `DEATH=${ONLY_0}`),
  brokenDealing('DEAL_UNRECORDED', 'counts', false, `DEATH=${ONLY_0}`),
  brokenDealing('CLOSE_UNRECORDED', 'counts', false, `DEATH=${ONLY_1}`),
  brokenDealing('NO_REPLACEMENT', 'drained', true, 'DRAIN', `DEATH=${ONLY_0}`),
];

const channel = (name: string, quick: boolean, ...macros: string[]): Configuration => ({
  name: `channel${name}`,
  model: CHANNEL_MODEL,
  macros,
  quick,
});

const brokenChannel = (
  variant: string,
  fails: Claim,
  quick: boolean,
  ...macros: string[]
): Configuration => ({
  name: `channel, ${variant.toLowerCase().replaceAll('_', ' ')}`,
  model: CHANNEL_MODEL,
  macros: [`BROKEN_${variant}`, ...macros],
  fails,
  quick,
});

/** The smallest in which a ring is full, of input and of output. */
const FULL_INPUT = ['RING=1', 'SUPPLY=2', 'ECHO=0'];
const FULL_OUTPUT = ['RING=1', 'SUPPLY=1', 'ECHO=3'];
/** The end of input comes with what had no room. */
const LATE_END = ['RING=2', 'SUPPLY=3', 'ECHO=0'];
const ECHOED = ['RING=1', 'SUPPLY=2'];
const ONE_BYTE = ['RING=1', 'SUPPLY=1'];
const DISCARDED = [...ONE_BYTE, 'ECHO=0'];

const CHANNEL: readonly Configuration[] = [
  channel('', false, ...ECHOED),
  channel(', full input', true, ...FULL_INPUT),
  channel(', full output', false, ...FULL_OUTPUT),
  channel(', late end', false, ...LATE_END),
  channel(', served', false, 'PROMISE', ...ONE_BYTE),
  channel(', timeouts', false, 'TIMEOUTS=1', ...ONE_BYTE),
  channel(', detached', false, 'DETACH', ...FULL_OUTPUT),
  channel(', death of the I/O thread', false, `DEATH=${ONLY_0}`, ...DISCARDED),
  channel(', death of the worker', false, `DEATH=${ONLY_1}`, ...DISCARDED),
  brokenChannel('NO_WAKE', 'input served', false, ...ECHOED),
  brokenChannel('WAKE_FIRST', 'input served', false, ...ECHOED),
  brokenChannel('TOP_FIRST', 'input served', true, ...ECHOED),
  brokenChannel('BITS_FIRST', 'input served', false, ...ECHOED),
  brokenChannel('SLEEP_LATE', 'input served', false, ...ECHOED),
  brokenChannel('ROOM_FIRST', 'input served', false, ...FULL_INPUT),
  brokenChannel('SILENT_ROOM', 'input served', false, ...FULL_INPUT),
  brokenChannel('AWAITED_BLIND', 'input served', false, ...FULL_OUTPUT),
  brokenChannel('WATCH_BLIND', 'input served', false, ...ECHOED),
  brokenChannel('ASKED_LATE', 'input served', false, ...ECHOED),
  brokenChannel('PASS_IGNORED', 'owned', true, ...ECHOED),
  brokenChannel('COUNTED_FIRST', 'in order', false, ...ECHOED),
  brokenChannel('TAKEN_FIRST', 'in order', false, ...ECHOED),
  brokenChannel('PUT_FIRST', 'in order', false, ...ECHOED),
  brokenChannel('FREED_FIRST', 'in order', false, ...ECHOED),
  brokenChannel('END_LATE', 'input served', false, ...LATE_END),
  brokenChannel('END_ONCE', 'input served', true, ...LATE_END),
  brokenChannel('NOTED_LOST', 'input served', false, 'TIMEOUTS=1', ...ONE_BYTE),
  brokenChannel('DETACHED_EARLY', 'input served', false, 'DETACH', ...FULL_OUTPUT),
  brokenChannel('PASSED_FIRST', 'input served', false, `DEATH=${ONLY_1}`, ...DISCARDED),
  brokenChannel('NO_IO_AT', 'input served', false, `DEATH=${ONLY_0}`, ...DISCARDED),
  brokenChannel('UNSEEN_END', 'input served', false, `DEATH=${ONLY_0}`, 'RING=2', 'SUPPLY=1', 'ECHO=0'),
  brokenChannel('NO_RESCAN', 'input served', false, `DEATH=${ONLY_1}`, ...DISCARDED),
  brokenChannel('SILENT_RECOVERY', 'input served', false, `DEATH=${ONLY_1}`, ...DISCARDED),
];

/** Aborted by a signal. */
const stop = new AbortController();
const args = process.argv.slice(2);
const unknown = args.find((argument) => argument !== '--quick');
if (unknown === undefined) {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  process.exitCode = await main(args.length > 0);
  // The handler is gone, so this ends the process as the signal would have.
  if (stop.signal.aborted) process.kill(process.pid, stop.signal.reason);
} else {
  console.error(`model: unknown option ${unknown}; the only one is --quick`);
  process.exitCode = 2;
}

async function main(quick: boolean): Promise<number> {
  const spin = onPath('spin');
  const compiler = onPath('cc') ?? onPath('gcc') ?? onPath('clang');
  if (!spin || !compiler) {
    const wanted = [spin ? [] : 'spin', compiler ? [] : 'gcc'].flat();
    console.error(`model: not on PATH: ${wanted.join(', ')}. On Debian: apt-get install ${wanted.join(' ')}`);
    return 2;
  }
  const chosen = [...SOUND, ...BROKEN, ...QUEUE, ...DEALING, ...CHANNEL].filter(
    (configuration) => configuration.quick || !quick,
  );
  let failed = 0;
  let states = 0;
  const startedMs = Date.now();
  for (const configuration of chosen) {
    const beganMs = Date.now();
    const outcome = await check(configuration, spin, compiler);
    if (stop.signal.aborted) return 1;
    const good = outcome.trouble === undefined && outcome.violated === (configuration.fails ?? null);
    if (!good) failed++;
    states += outcome.states;
    console.log(line(configuration, outcome, good, Date.now() - beganMs));
  }
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
  console.log(
    `\n${chosen.length - failed} passed, ${failed} failed (${states.toLocaleString('en')} states, ${seconds} s)`,
  );
  return failed === 0 ? 0 : 1;
}

/** Runs one search, in a folder of its own that is removed afterwards. */
async function check({ model, macros }: Configuration, spin: string, compiler: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-model-'));
  try {
    const temporal = macros.map((macro) => TEMPORAL.get(macro)).find((claim) => claim !== undefined);
    // In these models every cycle breaks the claim, as their events are bounded.
    const anyCycle = temporal !== undefined && (model === REQUEST_QUEUE || model === CHANNEL_MODEL);
    const search = temporal === undefined ? ['-DSAFETY'] : anyCycle ? ['-DNP'] : [];
    const steps: readonly (readonly string[])[] = [
      [spin, '-a', ...macros.map((macro) => `-D${macro}`), join(MODELS, model)],
      [
        compiler,
        '-O2',
        '-w',
        '-DNOREDUCE',
        '-DCOLLAPSE',
        `-DMEMLIM=${MAX_MEMORY_MIB}`,
        ...search,
        '-o',
        'pan',
        'pan.c',
      ],
      // -a: cycles that break the claim; -f: only those of weakly fair schedules; -l: all cycles.
      [
        join(folder, 'pan'),
        `-m${MAX_DEPTH}`,
        ...(temporal === undefined ? [] : [anyCycle ? '-l' : '-a']),
        ...(temporal === 'taken' ? ['-f'] : []),
      ],
    ];
    let output = '';
    for (const [command, ...rest] of steps) {
      const result = await run(command!, rest, folder);
      output = result.output;
      if (result.failure !== undefined) return { violated: null, states: 0, trouble: result.failure };
      if (result.status !== 0 && command !== steps[2]![0])
        return { violated: null, states: 0, trouble: output.trim() };
    }
    return verdict(output, temporal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly status: number;
  readonly output: string;
  /** Why it did not end by itself. */
  readonly failure?: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Run> {
  return new Promise((done) => {
    const options = { cwd, timeout: TIMEOUT_MS, signal: stop.signal };
    execFile(command, args, options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (error === null) done({ status: 0, output });
      else if (typeof error.code === 'number') done({ status: error.code, output });
      else done({ status: 1, output, failure: error.message });
    });
  });
}

/** Reads the output of pan, the program that spin makes. */
function verdict(output: string, temporal: TemporalClaim | undefined): Outcome {
  const states = Number(/^\s*(\d+) states, stored/m.exec(output)?.[1] ?? 0);
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const cut = /max search depth too small|out of memory|reached -DMEMLIM|Search not completed/.exec(output);
  if (errors === undefined)
    return { violated: null, states, trouble: `no result: ${output.slice(-300).trim()}` };
  if (errors !== '0') return violation(output, states, temporal);
  if (cut) return { violated: null, states, trouble: cut[0] };
  return { violated: null, states };
}

function violation(output: string, states: number, temporal: TemporalClaim | undefined): Outcome {
  if (temporal !== undefined && /(acceptance|non-progress) cycle/.test(output))
    return { violated: temporal, states };
  if (/^pan:.*invalid end state/m.test(output))
    return {
      violated: null,
      states,
      trouble: 'a thread can wait where AT_REST does not look: invalid end state',
    };
  // pan prints the expression of the assertion that failed; CLAIMS has a word of each.
  const text = /assertion violated (.*)/.exec(output)?.[1] ?? output.slice(-300).trim();
  const claim = CLAIMS.find(([word]) => text.includes(word))?.[1];
  return claim ? { violated: claim, states } : { violated: null, states, trouble: `unknown claim: ${text}` };
}

function line({ name, fails }: Configuration, outcome: Outcome, good: boolean, elapsedMs: number): string {
  const result = outcome.trouble ?? (outcome.violated ? `violates "${outcome.violated}"` : 'holds');
  const wanted = fails ? `violates "${fails}"` : 'holds';
  const kind = fails ? 'broken:' : '';
  return [
    good ? 'ok  ' : 'FAIL',
    `${kind} ${name}`.trim().padEnd(38),
    `${outcome.states.toLocaleString('en')} states`.padStart(18),
    `${(elapsedMs / 1000).toFixed(1)} s`.padStart(7),
    ` ${result}${good ? '' : ` (expected: ${wanted})`}`,
  ].join(' ');
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
