/** For how long user code holds its thread: what each holder is charged with. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Holder, HoldMeter } from '../../../lib/connection/hold-meter.js';
import { nowMicros } from '../../../lib/sys/clock.js';

/** The system always runs the thread when it is ready. */
const NO_DELAY = { micros: () => 0, ranMicros: 0 };

class TestHolder implements Holder {
  readonly holds: number[] = [];

  held(micros: number): void {
    this.holds.push(micros);
  }

  get total(): number {
    return this.holds.reduce((sum, micros) => sum + micros, 0);
  }
}

function busy(micros: number): void {
  const end = nowMicros() + micros;
  while (nowMicros() < end) {}
}

test('a holder is charged with the time from the beginning of the dispatch to its end', () => {
  const meter = new HoldMeter(NO_DELAY);
  const holder = new TestHolder();
  meter.begin(holder, 1000);
  assert.equal(holder.holds, []);
  meter.end(3500);
  assert.equal(holder.holds, [2500]);
  meter.end(9000);
  assert.equal(holder.holds, [2500], 'once');
});

test('of several holders in a dispatch each is charged until the next one begins', () => {
  const meter = new HoldMeter(NO_DELAY);
  const holders = [new TestHolder(), new TestHolder(), new TestHolder()] as const;
  const began = nowMicros();
  for (const holder of holders) {
    // The time of the event counts for the first one only.
    meter.begin(holder, began);
    busy(1000);
  }
  const ended = nowMicros() + 5000;
  meter.end(ended);
  assert.equal(
    holders.map(({ holds }) => holds.length),
    [1, 1, 1],
  );
  for (const { total } of holders) assert.ok(total >= 1000, `${total} µs`);
  assert.ok(holders[2].total >= 6000);
  const sum = holders.reduce((all, { total }) => all + total, 0);
  assert.ok(Math.abs(sum - (ended - began)) < 1, 'all of the time, none of it twice');
});

test('a holder that begins twice in a dispatch, as requests of one connection may, is charged twice', () => {
  const meter = new HoldMeter(NO_DELAY);
  const holder = new TestHolder();
  const began = nowMicros();
  meter.begin(holder, began);
  busy(500);
  meter.begin(holder, began);
  meter.end(nowMicros() + 700);
  assert.is(holder.holds.length, 2);
  assert.ok(holder.holds[0]! >= 500 && holder.holds[1]! >= 700, `${holder.holds}`);
});

test('the next dispatch begins anew, whether or not there was a holder in the one before', () => {
  const meter = new HoldMeter(NO_DELAY);
  const [first, second] = [new TestHolder(), new TestHolder()];
  meter.begin(first, 1000);
  meter.end(2000);
  meter.end(50_000);
  meter.begin(second, 60_000);
  meter.end(60_300);
  assert.equal([first.holds, second.holds], [[1000], [300]]);
});

test('in the event loop, each continuation is charged with the time since the one before', () => {
  const meter = new HoldMeter(NO_DELAY);
  const [first, second] = [new TestHolder(), new TestHolder()];
  const began = nowMicros();
  meter.loopRuns();
  busy(500);
  meter.continues(first);
  busy(800);
  meter.continues(second);
  busy(200);
  meter.continues(first);
  const ended = nowMicros();
  assert.equal([first.holds.length, second.holds.length], [2, 1]);
  assert.ok(first.holds[0]! >= 500, 'since the loop began to run');
  assert.ok(second.total >= 800);
  assert.ok(first.holds[1]! >= 200);
  assert.ok(first.total + second.total <= ended - began, 'none of it twice');
});

test('continuations in a dispatch are measured there', () => {
  const meter = new HoldMeter(NO_DELAY);
  const [first, second] = [new TestHolder(), new TestHolder()];
  meter.continues(second);
  meter.loopRuns();
  meter.turnBegins(nowMicros());
  meter.continues(second);
  meter.begin(first, 1000);
  meter.continues(second);
  meter.continues(first);
  meter.end(1800);
  assert.equal([first.holds, second.holds], [[800], []]);
  meter.loopRuns();
  busy(500);
  meter.continues(second);
  assert.is(second.holds.length, 1, 'and in the next pass of the event loop');
  assert.ok(second.total >= 500);
});

test('a hold that no later step has ended lasts until the thread returns to its event loop, or until now', () => {
  const ends: [string, (meter: HoldMeter) => void][] = [
    ['loopRuns', (meter) => meter.loopRuns()],
    ['endNow', (meter) => meter.endNow()],
  ];
  for (const [name, end] of ends) {
    const meter = new HoldMeter(NO_DELAY);
    const holder = new TestHolder();
    const began = nowMicros();
    meter.begin(holder, began);
    busy(500);
    end(meter);
    const ended = nowMicros();
    assert.ok(holder.total >= 500 && holder.total <= ended - began, `${name}: ${holder.total} µs`);
    end(meter);
    assert.is(holder.holds.length, 1, `${name}: once`);
  }
});

test('time in which the system ran something else instead is not charged', () => {
  let delay = 0;
  let readings = 0;
  const meter = new HoldMeter({
    micros: () => {
      readings++;
      return delay;
    },
    ranMicros: 0,
  });
  const holder = new TestHolder();
  meter.turnBegins(1_000_000);
  meter.begin(holder, 1_000_000);
  delay = 3000;
  meter.end(1_005_000);
  meter.begin(holder, 1_005_000);
  delay = 4000;
  meter.end(1_005_600);
  assert.equal(holder.holds, [2000, 0]);
  const before = readings;
  meter.begin(holder, 1_006_000);
  meter.end(1_006_200);
  assert.is(readings, before, 'short holds are not worth a reading');
  meter.turnBegins(1_007_000);
  assert.is(readings, before, 'nor is each turn');
  meter.turnBegins(1_020_000);
  assert.is(readings, before + 1);
});

test('what a thread has run of its last time is the same when it is asked again', () => {
  let delay = 0;
  const meter = new HoldMeter({ micros: () => delay, ranMicros: 0 });
  const holder = new TestHolder();
  meter.turnBegins(1_000_000);
  meter.begin(holder, 1_000_000);
  delay = 3000;
  assert.is(meter.ran(5000, 1_005_000), 2000);
  meter.end(1_005_000);
  assert.equal(holder.holds, [2000]);
});

test('cores are taken while the thread waits for one for longer than it runs', () => {
  const delay = { waited: 0, ranMicros: 0, micros: () => delay.waited };
  const meter = new HoldMeter(delay);
  let now = 1_000_000;
  const turn = (ran: number, waited: number): boolean => {
    delay.ranMicros += ran;
    delay.waited += waited;
    now += 20_000;
    meter.turnBegins(now);
    return meter.coresAreTaken;
  };
  assert.not(turn(5000, 0));
  assert.not(turn(12_000, 8000));
  assert.ok(turn(8000, 12_000));
  assert.not(turn(0, 0), 'an idle thread waits for none');
});

test.run();
