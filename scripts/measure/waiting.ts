/**
 * What it costs each event of the shared epoll set when other epoll sets hold that set, and what poll(2) costs instead.
 * The figures are in docs/decisions/0001.
 *
 *   node dist/scripts/measure/waiting.js
 */
import {
  closeDescriptor,
  createEventCounter,
  resetEventCounter,
  signalEventCounter,
} from '../../lib/sys/descriptor.js';
import {
  EPOLLET,
  EPOLLIN,
  EVENT_WORDS,
  epollAdd,
  epollCreate,
  epollWait,
  pollTwo,
} from '../../lib/sys/epoll.js';

const ROUNDS = 7;
const EVENTS = 100_000;

const events = new Int32Array(8 * EVENT_WORDS);
const shared = epollCreate();
const source = createEventCounter();
const idle = createEventCounter();
epollAdd(shared, source, 0, EPOLLIN | EPOLLET);

/** Nanoseconds of one event: made ready, reported, taken. The median of some rounds. */
function measure(waitFor: () => void): number {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let count = 0; count < EVENTS; count++) {
      signalEventCounter(source);
      waitFor();
      resetEventCounter(source);
    }
    rounds.push(Number(process.hrtime.bigint() - start) / EVENTS);
  }
  return Math.round(rounds.sort((a, b) => a - b)[ROUNDS >> 1]!);
}

const take = () => epollWait(shared, events, 8, 0);
console.log(`node ${process.version}, nanoseconds an event, median of ${ROUNDS} rounds of ${EVENTS}`);
console.log(`shared set alone: ${measure(take)}`);
console.log(
  `poll(2) on the set and one more descriptor first: ${measure(() => {
    pollTwo(shared, idle, 0);
    take();
  })}`,
);
for (const outerSets of [1, 4, 16, 64]) {
  const outer = Array.from({ length: outerSets }, () => {
    const set = epollCreate();
    epollAdd(set, shared, 0, EPOLLIN);
    epollAdd(set, idle, 0, EPOLLIN);
    return set;
  });
  console.log(`held by ${outerSets} outer sets, nobody waiting: ${measure(take)}`);
  console.log(
    `held by ${outerSets} outer sets, the first one asked first: ${measure(() => {
      epollWait(outer[0]!, events, 8, 0);
      take();
    })}`,
  );
  for (const set of outer) closeDescriptor(set);
}
