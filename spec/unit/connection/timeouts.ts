/** The timeouts of connections. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { setDeadline } from '../../../lib/connection/deadlines.js';
import { HTTP_CONNECTION, type ThreadContext, TIMER } from '../../../lib/connection/event-handler.js';
import { IS_LINGERING } from '../../../lib/connection/flags.js';
import { Timeouts } from '../../../lib/connection/timeouts.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { TICK } from '../../../lib/memory/layout.js';
import { setFlag } from '../../../lib/set/handle-record.js';
import { ENTERED, HandleTable, IDLE, INSIDE, NOTED, READABLE } from '../../../lib/set/handle-table.js';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { transmit } from '../../../lib/sys/socket.js';
import { socketPair } from '../../support/set/native.js';

const [CONNECTION, TIMER_FD, SELF, OTHER] = [5, 6, 0, 1];

/** Its deadline has passed when the timeouts look, and moves before they have entered it: another thread has answered a request. */
class Answered extends HandleTable {
  /** What comes while they are inside. */
  comes = 0;

  override claim(fd: number, generation: number, events: number, self: number): number {
    if (fd === CONNECTION && self === SELF) setDeadline(context(this), fd, 100);
    const claimed = super.claim(fd, generation, events, self);
    if (this.comes !== 0) {
      assert.is(super.claim(fd, generation, this.comes, OTHER), NOTED);
      this.comes = 0;
    }
    return claimed;
  }
}

const memory = allocateMemory(1, 1024);
const control = new Int32Array(memory.control);
const reported: number[] = [];

const context = (table: HandleTable): ThreadContext =>
  ({
    control,
    table,
    self: SELF,
    handles: { resumeHandle: (fd: number) => reported.push(fd) },
    process: () => assert.unreachable('it may be a thread that runs no handler'),
  }) as unknown as ThreadContext;

for (const comes of [0, READABLE]) {
  test(`a connection whose deadline moves is left as it is${comes === 0 ? '' : ', and what comes meanwhile is reported again'}`, () => {
    reported.length = 0;
    const table = new Answered(memory.handles);
    control[TICK] = 10;
    table.open(CONNECTION, HTTP_CONNECTION, 0, 0);
    setDeadline(context(table), CONNECTION, -1);
    table.leave(CONNECTION);
    const generation = table.open(TIMER_FD, TIMER);
    table.leave(TIMER_FD);
    assert.is(table.claim(TIMER_FD, generation, READABLE, SELF), ENTERED);
    table.comes = comes;
    new Timeouts(context(table), null as never, -1).handleEvent(TIMER_FD);
    assert.is(table.state(CONNECTION), IDLE);
    assert.equal(reported, comes === 0 ? [] : [CONNECTION]);
    table.close(CONNECTION);
    table.close(TIMER_FD);
  });
}

for (const [what, sends, lingers, ends] of [
  ['has sent nothing is ended', false, false, true],
  ['has sent what nobody has read is not ended', true, false, false],
  ['lingers is ended, whatever it sends', true, true, true],
] as const) {
  test(`a connection past its deadline that ${what}`, () => {
    const [fd, peer] = socketPair();
    const table = new HandleTable(memory.handles);
    control[TICK] = 10;
    table.open(fd, HTTP_CONNECTION, 5, SELF);
    if (lingers) setFlag(table, fd, IS_LINGERING);
    table.leave(fd);
    const generation = table.open(TIMER_FD + 100, TIMER);
    table.leave(TIMER_FD + 100);
    assert.is(table.claim(TIMER_FD + 100, generation, READABLE, SELF), ENTERED);
    if (sends) transmit(peer, Buffer.from('x'), 1);
    const ended: number[] = [];
    const process = (due: number): void => void ended.push(due);
    new Timeouts({ ...context(table), process }, null as never, -1).handleEvent(TIMER_FD + 100);
    assert.equal(ended, ends ? [fd] : []);
    assert.is(table.state(fd), ends ? INSIDE : IDLE);
    table.close(fd);
    table.close(TIMER_FD + 100);
    closeDescriptor(fd);
    closeDescriptor(peer);
  });
}

test.run();
