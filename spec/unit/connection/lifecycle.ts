/** The lifecycle of a connection: its transitions, and that lingering close continues in the object that serves the next event. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLOSED, CLOSING, Connection, LINGERING, OPEN } from '../../../lib/connection/connection.js';
import { ConnectionThread } from '../../../lib/connection/connection-thread.js';
import { fetchConnections, type HttpConnections } from '../../../lib/http/handler.js';
import { deadlineOf } from '../../../lib/set/handle-record.js';
import { ENTERED, FREE, IDLE, PEER_ENDED, READABLE } from '../../../lib/set/handle-table.js';
import { TcpConnections } from '../../../lib/tcp/handler.js';
import { HandlerHarness } from '../../support/connection/handler-harness.js';
import { makeRoutes } from '../../support/connection/routes.js';
import { until } from '../../support/server/wait.js';

/** A connection of no protocol. */
class Probe extends Connection {
  constructor(harness: HandlerHarness) {
    super(new ConnectionThread(harness.context));
  }

  get now(): number {
    return this.state;
  }

  protected step(): boolean {
    return this.state === LINGERING ? this.linger() : this.leave();
  }

  protected leave(): boolean {
    return this.release();
  }

  protected destroy(): false {
    return this.close();
  }

  protected setWaitDeadline(): void {}

  override beginClosing(): void {
    super.beginClosing();
  }

  override release(): boolean {
    return super.release();
  }

  /** The transitions, by what they lead to. */
  readonly to: Record<string, (fd: number) => unknown> = {
    open: (fd) => this.enter(fd),
    closing: () => this.beginClosing(),
    lingering: () => this.beginLingering(),
    closed: () => this.detach(),
  };
}

/** How a probe gets into each state. */
const PATHS: [state: number, path: string[]][] = [
  [CLOSED, []],
  [OPEN, ['open']],
  [CLOSING, ['open', 'closing']],
  [LINGERING, ['open', 'closing', 'lingering']],
];

const LEGAL = [
  [CLOSED, 'open'],
  [OPEN, 'closing'],
  [OPEN, 'closed'],
  [CLOSING, 'closing'],
  [CLOSING, 'lingering'],
  [CLOSING, 'closed'],
  [LINGERING, 'closed'],
].join(' ');

test('a transition that the diagram does not have throws, and changes nothing', async () => {
  using harness = HandlerHarness.http(() => 'hello');
  for (const [state, path] of PATHS) {
    for (const next of ['open', 'closing', 'lingering', 'closed']) {
      const { fd } = await harness.connect();
      const probe = new Probe(harness);
      for (const step of path) probe.to[step]!(fd);
      assert.is(probe.now, state);
      if (LEGAL.includes(`${state},${next}`)) {
        probe.to[next]!(fd);
        continue;
      }
      assert.throws(() => probe.to[next]!(fd), /a connection can't go from \w+ to \w+/);
      assert.is(probe.now, state);
    }
  }
});

test('a connection that has something left to send is not left to another thread', async () => {
  using harness = HandlerHarness.http(() => 'hello');
  const { fd } = await harness.connect();
  const probe = new Probe(harness);
  probe.enter(fd);
  probe.beginClosing();
  assert.throws(() => probe.release(), "a connection can't go from closing to closed");
  assert.is(probe.now, CLOSING);
});

test('a lingering connection that was left is lingering for the thread that enters it next, until the same deadline', async () => {
  using harness = HandlerHarness.http(() => 'hello');
  const { table } = harness.context;
  const { client, fd } = await harness.connect();
  const enter = (events = 0) => assert.is(table.claim(fd, table.generation(fd), events, 0), ENTERED);
  enter();
  const first = new Probe(harness);
  first.enter(fd);
  first.to.closing!(fd);
  first.to.lingering!(fd);
  const deadline = deadlineOf(table, fd);
  assert.is(deadline, harness.context.limits.lingerTicks);
  first.dispatch(READABLE);
  assert.is(first.now, CLOSED);
  assert.is(table.state(fd), IDLE);
  const next = new Probe(harness);
  enter(READABLE);
  next.enter(fd);
  assert.is(next.now, LINGERING);
  client.write('more');
  next.dispatch(READABLE);
  assert.is(table.state(fd), IDLE);
  assert.is(deadlineOf(table, fd), deadline);
  client.end();
  await until('the end is here', () => {
    if (table.state(fd) === IDLE) {
      enter(READABLE | PEER_ENDED);
      next.enter(fd);
      next.dispatch(READABLE | PEER_ENDED);
    }
    return table.state(fd) === FREE;
  });
});

test('what a client sends after the last response is discarded by another handler than the one that began to linger', async () => {
  let requests = 0;
  const app = {
    fetch: () => {
      requests++;
      return new Response('bye', { headers: { connection: 'close' } });
    },
  };
  using harness = HandlerHarness.http(app.fetch);
  const { client, fd } = await harness.connect();
  const get = 'GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n';
  client.resume();
  client.write(get);
  await until('it is answered', () => {
    harness.event(fd);
    return requests === 1;
  });
  const other = fetchConnections(harness.context, app, 'localhost', makeRoutes());
  client.write(get);
  await pass(harness, other, client, fd);
  assert.is(requests, 1);
});

test('a raw TCP connection that lingers is closed by another handler, which tells the app', async () => {
  const calls: string[] = [];
  const app = {
    data: (connection: { end(): void }) => {
      calls.push('data');
      connection.end();
    },
    close: () => void calls.push('close'),
  };
  using harness = HandlerHarness.tcp(app);
  const { client, fd } = await harness.connect();
  client.resume();
  client.write('x');
  await until('it is ended', () => {
    harness.event(fd);
    return calls.length === 1;
  });
  const other = new TcpConnections(harness.context, app);
  client.write('more');
  await pass(harness, other, client, fd);
  assert.equal(calls, ['data', 'close']);
});

/** The other handler gets the connection's events, up to the client's end. */
async function pass(
  { context: { table } }: HandlerHarness,
  other: HttpConnections | TcpConnections,
  client: Awaited<ReturnType<HandlerHarness['connect']>>['client'],
  fd: number,
): Promise<void> {
  const event = (events: number) => {
    assert.is(table.claim(fd, table.generation(fd), events, 0), ENTERED);
    other.handleEvent(fd, events);
  };
  event(READABLE);
  assert.is(table.state(fd), IDLE);
  client.end();
  await until('it is closed', () => {
    event(READABLE | PEER_ENDED);
    return table.state(fd) === FREE;
  });
  if (!client.closed) await once(client, 'close');
}

test.run();
