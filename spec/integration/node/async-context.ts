/** The async context of each callback of a Node server: the same as on plain node, and never that of another request. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { type Host, NodeProgram } from '../../support/server/node-program.js';
import { range, within } from '../../support/server/wait.js';

const FILE = 'dist/spec/fixtures/node/async-context.js';
const WAYS = ['run', 'enterWith', 'none'] as const;

type Seen = readonly [id: string, callback: string, store: string | null];

const request = (id: string, way: string): string => `GET /${id}?way=${way} HTTP/1.1\r\nhost: test\r\n\r\n`;
const headOf = (id: string, way: string, length: number): string =>
  `POST /${id}?way=${way} HTTP/1.1\r\nhost: test\r\ncontent-length: ${length}\r\n\r\n`;

/** What the callbacks of `ids` saw: for each callback its store, by name. */
function storesOf(program: NodeProgram, ids: readonly string[]): Record<string, string | null> {
  const seen = program.lines<Seen>('saw').filter(([id]) => ids.includes(id));
  const entries = seen.map(([id, callback, store]) => [`${id}: ${callback}`, store] as const);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

const ended = (program: NodeProgram, id: string): Promise<void> =>
  program.until(`${id} has ended`, () =>
    ['request close', 'response close', 'end callback'].every((callback) =>
      program.lines<Seen>('saw').some((seen) => seen[0] === id && seen[1] === callback),
    ),
  );

/** What is done with the server, on one host; the names of its requests. */
const SCENARIOS: Record<string, (program: NodeProgram) => Promise<string[]>> = {
  async 'requests of one connection, one after the other'(program) {
    const client = await program.connect('http');
    const ids: string[] = [];
    for (const way of [...WAYS, ...WAYS]) {
      const id = `${way}-${ids.length}`;
      ids.push(id);
      await client.send(request(id, way));
      await client.answer();
      await ended(program, id);
    }
    return ids;
  },

  async 'bodies that come after the listener was called'(program) {
    const client = await program.connect('http');
    const ids: string[] = [];
    for (const way of WAYS) {
      const id = `body-${way}`;
      ids.push(id);
      await client.send(headOf(id, way, 4));
      await program.until('the timer', () =>
        program.lines<Seen>('saw').some((seen) => seen[0] === id && seen[1] === 'timer'),
      );
      await client.send('body');
      await client.answer();
      await ended(program, id);
    }
    return ids;
  },

  async 'bodies that come with the head'(program) {
    const client = await program.connect('http');
    const ids = WAYS.map((way) => `whole-${way}`);
    for (const [index, way] of WAYS.entries()) {
      await client.send(`${headOf(ids[index]!, way, 4)}body`);
      await client.answer();
      await ended(program, ids[index]!);
    }
    return ids;
  },

  async 'a client that leaves'(program) {
    const ids = WAYS.map((way) => `left-${way}`);
    for (const [index, way] of WAYS.entries()) {
      const client = await program.connect('http');
      const id = ids[index]!;
      await client.send(headOf(id, way, 4));
      await program.until('the timer', () =>
        program.lines<Seen>('saw').some((seen) => seen[0] === id && seen[1] === 'timer'),
      );
      await client.close();
      await program.until(`${id} has ended`, () =>
        ['request close', 'response close'].every((callback) =>
          program.lines<Seen>('saw').some((seen) => seen[0] === id && seen[1] === callback),
        ),
      );
    }
    return ids;
  },

  async 'messages of websockets'(program) {
    const ids = WAYS.map((way) => `ws-${way}`);
    for (const [index, way] of WAYS.entries()) {
      const socket = new WebSocket(`ws://127.0.0.1:${program.port('http')}/${ids[index]}?way=${way}`);
      await within('its opening', once(socket, 'open'));
      for (const text of ['one', 'two']) {
        const answer = once(socket, 'message');
        socket.send(text);
        await within('its answer', answer);
      }
      socket.close();
      await program.until(`${ids[index]} has closed`, () =>
        program.lines<Seen>('saw').some((seen) => seen[0] === ids[index] && seen[1] === 'close'),
      );
    }
    return ids;
  },
};

/** Whether a callback named `ID: NAME` sees the context of another request. */
const leaks = (name: string, store: string | null): boolean =>
  store !== null && !name.startsWith(`${store}:`);

async function observe(host: Host, scenario: string): Promise<Record<string, string | null>> {
  await using program = await NodeProgram.start(host, FILE, ['http']);
  const ids = await SCENARIOS[scenario]!(program);
  assert.equal(storesOf(program, ['loop']), {}, `${host}: a context has leaked into the loop`);
  return storesOf(program, ids);
}

/**
 * Node runs ticks between the last chunk of a body and its end, also where both came in one packet. Here the end is pushed first, so the tick
 * that reads the chunk schedules `end`, in its own context.
 */
const OTHER_CONTEXT = /^whole-\w+: request (end|close)$/;

for (const [scenario, host] of Object.keys(SCENARIOS).flatMap((name) =>
  (['paceline', 'paceline/http'] as const).map((host) => [name, host] as const),
)) {
  test(`${host}, ${scenario}: the contexts are those of node:http`, async () => {
    const expected = await observe('node', scenario);
    const observed = await observe(host, scenario);
    for (const [name, store] of Object.entries(expected)) {
      // Where node itself leaks (enterWith, before Node 24), it is no reference.
      if (!leaks(name, store) && !OTHER_CONTEXT.test(name)) assert.is(observed[name], store, name);
    }
    assert.equal(Object.keys(observed), Object.keys(expected));
    for (const [name, store] of Object.entries(observed))
      assert.not.ok(leaks(name, store), `${name} sees ${store}`);
  });
}

/** Callbacks that a promise, a tick or a timer leads to, whatever the server does. */
const FOLLOWING = ['inside', 'nextTick', 'microtask', 'await', 'immediate', 'timer'];

/** Before Node 24, what a listener enters on plain node is also entered for later requests. */
const WAYS_AT_ONCE = { node: ['run', 'none'], paceline: WAYS, 'paceline/http': WAYS } as const;

for (const host of ['node', 'paceline', 'paceline/http'] as const) {
  const ways = WAYS_AT_ONCE[host];
  test(`${host}: requests at once, pipelined and on many connections, see their own context and no other`, async () => {
    await using program = await NodeProgram.start(host, FILE, ['http'], { threads: 4 });
    const ids: string[] = [];
    const clients = await Promise.all(range(8).map(() => program.connect('http')));
    await Promise.all(
      clients.map(async (client, connection) => {
        for (const round of range(5)) {
          const pipelined = range(4).map((number) => ({
            id: `${connection}-${round}-${number}`,
            way: ways[(connection + round + number) % ways.length]!,
          }));
          ids.push(...pipelined.filter(({ way }) => way !== 'none').map(({ id }) => id));
          await client.send(pipelined.map(({ id, way }) => request(id, way)).join(''));
          for (const { id, way } of pipelined) {
            assert.is((await client.answer()).text, way === 'none' ? 'none' : id);
          }
        }
      }),
    );
    const seen = program.lines<Seen>('saw');
    for (const [id, callback, store] of seen) {
      if (callback === 'listener') assert.is(store, null, `${id}: ${callback}`);
      else if (FOLLOWING.includes(callback))
        assert.is(store, ids.includes(id) ? id : null, `${id}: ${callback}`);
      else assert.ok(store === null || store === id, `${id}: ${callback} saw ${store}`);
    }
  });
}

test.run();
