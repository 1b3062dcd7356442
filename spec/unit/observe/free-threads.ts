/** When there is a shortage of free threads, and when there is not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FreeThreads, type Shortage } from '../../../lib/observe/free-threads.js';
import { FakeObserved, routeOf } from '../../support/dashboard/fake-observed.js';

const STEP_MS = 100;
const AT = 1_700_000_000_000;

/** Two threads. By default thread 0 is engaged and idle, thread 1 inside handlers, and a route that blocks is called. */
class Scene {
  readonly observed = new FakeObserved(2);
  readonly #free = new FreeThreads();
  /** How long each thread is outside of handlers in a step. */
  outsideMs = [STEP_MS, 0];
  /** Requests of the route in a step. */
  calls = 1;
  route = routeOf('GET /block', { calls: 10 });

  constructor() {
    this.observed.clock = AT;
    this.engage(true, false);
  }

  engage(...engaged: boolean[]): void {
    for (const [id, thread] of this.observed.seen.threads.entries()) thread.engaged = engaged[id]!;
    this.observed.seen.engaged = engaged.filter(Boolean).length;
  }

  step(ms = STEP_MS): Shortage | null {
    const { seen } = this.observed;
    this.observed.clock! += ms;
    for (const [id, thread] of seen.threads.entries()) {
      const [dead, starting, follower, leader, processing] = thread.timesMs as [
        number,
        number,
        number,
        number,
        number,
      ];
      const outside = this.outsideMs[id]!;
      thread.timesMs = [
        dead,
        starting,
        follower + outside / 2,
        leader + outside / 2,
        processing + ms - outside,
      ];
    }
    this.route = { ...this.route, calls: this.route.calls + this.calls };
    seen.routes = [this.route];
    return this.#free.update(this.observed.observe());
  }

  steps(count: number): Shortage | null {
    let last: Shortage | null = null;
    for (let done = 0; done < count; done++) last = this.step();
    return last;
  }
}

test('with every thread engaged or inside handlers for 200 ms, a route that blocks makes a shortage', () => {
  const scene = new Scene();
  assert.equal(
    [scene.step(), scene.step(), scene.step(), scene.step()],
    [null, null, { ms: 200, routes: ['GET /block'] }, { ms: 300, routes: ['GET /block'] }],
  );
});

test('a thread that is not engaged and sometimes waits is free, and ends a shortage', () => {
  const scene = new Scene();
  assert.ok(scene.steps(5));
  scene.outsideMs[1] = 20;
  assert.is(scene.step(), null);
  scene.outsideMs[1] = 5;
  assert.is(scene.step(), null, 'it begins anew');
  assert.is(scene.step()?.ms, 200);
});

test('a thread that became engaged was free before', () => {
  const scene = new Scene();
  scene.engage(false, true);
  scene.step();
  scene.engage(true, true);
  assert.is(scene.step(), null);
  assert.is(scene.step(), null);
  assert.is(scene.step()?.ms, 200);
});

test('there is no shortage while nothing is engaged: threads that all block are another problem', () => {
  const scene = new Scene();
  scene.engage(false, false);
  scene.outsideMs = [0, 0];
  assert.is(scene.steps(10), null);
});

test('there is no shortage without requests of a route that blocks', () => {
  const quick = new Scene();
  quick.route = routeOf('GET /quick', { blocking: false });
  assert.is(quick.steps(10), null);
  const unused = new Scene();
  unused.calls = 0;
  assert.is(unused.steps(10), null);
  const once = new Scene();
  assert.ok(once.steps(5));
  once.calls = 0;
  assert.ok(once.steps(10), 'the last request was a second ago');
  assert.is(once.steps(15), null);
});

test('a request that has not ended counts', () => {
  const scene = new Scene();
  scene.calls = 0;
  scene.observed.seen.threads[1]!.learned = scene.route;
  assert.equal(scene.steps(5), { ms: 400, routes: ['GET /block'] });
});

test('observations that are far apart are not compared', () => {
  const scene = new Scene();
  assert.ok(scene.steps(5));
  assert.is(scene.step(60_000), null);
  assert.is(scene.step(), null);
  assert.is(scene.step()?.ms, 200);
});

test.run();
