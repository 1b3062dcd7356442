/**
 * What must hold behind any proxy: one user attacks, another user's requests share the connections to the server, and neither
 * gets a byte of the other's.
 */
import { type Test, test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Server } from '../../../lib/index.js';
import { randomOf } from '../random.js';
import type { Target } from '../server/http-client.js';
import { range } from '../server/wait.js';
import { bodyOf, MADE_CASES, UPSTREAM_VARIABLE } from './app.js';
import * as attacks from './attacks.js';
import { type Attack, get, whole } from './attacks.js';
import { HostileUpstream, UPSTREAM_NAMES } from './hostile-upstream.js';
import { FrontProxy, find, type ProxyName } from './proxy.js';
import { openTrap, SMUGGLING, trapOf } from './smuggling.js';
import { answersIn, fieldOf, type ParsedAnswer, show, tokensIn } from './transcript.js';
import { attack, CarefulUser, type Received } from './user.js';

const THREADS = 3;
const SEED = 8;
/** How many requests the careful user sends during an attack, and after it. */
const MEANWHILE = 2;
const AFTERWARDS = 2;

/** The server behind the proxy, its upstream, and the careful user. */
class ProxySetup implements AsyncDisposable {
  #attacks = 0;

  private constructor(
    readonly server: Server,
    readonly upstream: HostileUpstream,
    readonly proxy: FrontProxy,
    readonly careful: CarefulUser,
  ) {}

  static async start(name: ProxyName, program: string): Promise<ProxySetup> {
    const upstream = await HostileUpstream.start();
    process.env[UPSTREAM_VARIABLE] = upstream.url;
    const app = new URL('./app.js', import.meta.url);
    // Only the proxy closes idle connections, so that none is closed under a request of the careful user.
    const server = createServer({ app, threads: THREADS, keepAliveTimeout: 0 });
    await server.listen({ port: 0 });
    const proxy = await FrontProxy.start(name, program, (server.address() as { port: number }).port);
    const careful = new CarefulUser({ path: proxy.front }, randomOf(SEED), 'careful');
    return new ProxySetup(server, upstream, proxy, careful);
  }

  get target(): Target {
    return { path: this.proxy.front };
  }

  /** How many connections the server has accepted. */
  get accepted(): number {
    return this.server.threads().reduce((sum, thread) => sum + thread.accepted, 0);
  }

  newToken(): string {
    return `attacker-${this.#attacks++}`;
  }

  /** One attack, and the careful user before, during and after it. @throws when either gets an answer of the other */
  async attack(
    what: string,
    pieces: readonly (string | Uint8Array)[],
    { done, target = this.target }: { done?: (got: Buffer) => boolean; target?: Target } = {},
  ): Promise<Received> {
    try {
      await this.careful.ask(1);
      let meanwhile: Promise<void> | undefined;
      const sent = (): void => {
        meanwhile = this.careful.ask(MEANWHILE);
        meanwhile.catch(() => {});
      };
      const received = await attack(target, pieces, done === undefined ? { sent } : { done, sent });
      await meanwhile;
      await this.careful.ask(AFTERWARDS);
      const strange = tokensIn(received.bytes).find((token) => !token.startsWith('attacker-'));
      if (strange !== undefined) throw new Error(`the attacker got the answer of ${strange}`);
      return received;
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** The same for an attack with a known answer. @throws when the answer differs as well */
  async carryOut({ what, pieces, done, check }: Attack): Promise<Received> {
    const received = await this.attack(what, pieces, done === undefined ? {} : { done });
    assert.is(check(received), undefined, what);
    return received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.careful.leave();
    await this.proxy[Symbol.asyncDispose]();
    await this.server.close({ drainMs: 0 });
    await this.upstream[Symbol.asyncDispose]();
  }
}

/** Runs the suite, or prints why it is skipped. */
export function behind(name: ProxyName): void {
  const program = find(name);
  if (program === undefined) {
    console.log(
      `skipped: no ${name} is installed (apt-get install ${name === 'nginx' ? 'nginx-light' : name})`,
    );
    test.skip(`behind ${name}`, () => {});
  } else {
    const withSetup = (body: (setup: ProxySetup) => Promise<void>) => async () => {
      await using started = await ProxySetup.start(name, program);
      await body(started);
      assert.ok(started.careful.verified > 0);
      assert.is(started.server.threads().filter(({ state }) => state === 'dead').length, 0);
    };
    declare(test, name, withSetup);
  }
  test.run();
}

function declare(
  test: Test,
  name: ProxyName,
  withSetup: (body: (setup: ProxySetup) => Promise<void>) => () => Promise<void>,
): void {
  test('both users have the same connection to the server', withSetup(shared));
  test('no content is taken for a request, and no request for content', withSetup(smuggled));
  test('a hostile upstream cannot break out of the answer to its request', withSetup(passedOn));
  test('a malformed answer of the app cannot break out of the answer to its request', withSetup(madeWrongly));
  test('Expect: 100-continue breaks no answer, whenever the content is sent', withSetup(expecting));
  test('answers to HEAD are in step', withSetup(askedByHead));
  test(
    'a method reaches the app as it was sent, so no rule of a proxy on methods is bypassed',
    withSetup(oddMethods),
  );
  test('content that the app does not read belongs to its own request', withSetup(unread));
  test(
    'an answer that breaks is not taken for a complete one',
    withSetup((it) => broken(it, it.proxy.front)),
  );
  if (name === 'nginx')
    test(
      'nor by a proxy that asks in HTTP/1.0',
      withSetup((it) => broken(it, it.proxy.oldFront)),
    );
}

async function shared(setup: ProxySetup): Promise<void> {
  for (const _turn of range(10)) {
    const token = setup.newToken();
    await setup.careful.ask(1);
    const { bytes } = await attack(setup.target, [get('/say', token)], { done: whole(1) });
    assert.is(onlyAnswer(bytes).token, token);
  }
  assert.is(setup.accepted, 1);
}

function onlyAnswer(bytes: Buffer): ParsedAnswer {
  const answers = answersIn(bytes);
  assert.is(answers.length, 1, bytes.toString('latin1'));
  return answers[0]!;
}

async function smuggled(setup: ProxySetup): Promise<void> {
  for (const { name, bytes, verdict } of SMUGGLING) {
    for (const trap of [undefined, openTrap]) {
      const token = setup.newToken();
      const options = verdict === 'content' ? { done: whole(1) } : {};
      const received = await setup.attack(name, [bytes(token, trap?.(token))], options);
      const tokens = answersIn(received.bytes, { cut: true }).map((answer) => answer.token);
      // The proxy may reject or normalise it; the server's answers must still be in the order of its requests.
      const known = tokens.filter((each) => each !== undefined);
      const inOrder = [token, trapOf(token)].filter((each) => known.includes(each));
      assert.equal(known, inOrder, `${name}: ${tokens}`);
      if (verdict === 'content') assert.equal(tokens, [token], name);
    }
  }
}

async function passedOn(setup: ProxySetup): Promise<void> {
  for (const route of attacks.PASSING_ROUTES)
    for (const name of UPSTREAM_NAMES) await setup.carryOut(attacks.passedOn(route, name, setup.newToken()));
}

async function madeWrongly(setup: ProxySetup): Promise<void> {
  for (const name of MADE_CASES) await setup.carryOut(attacks.madeWrongly(name, setup.newToken()));
}

async function expecting(setup: ProxySetup): Promise<void> {
  const content = bodyOf('content', 5000);
  const split = [content.slice(0, 7), content.slice(7)];
  for (const route of attacks.EXPECT_ROUTES) {
    for (const arrival of attacks.ARRIVALS) {
      const { check, ...attack } = attacks.expecting(route, arrival, setup.newToken(), content, split);
      await setup.carryOut({
        ...attack,
        check: (received) => {
          // HAProxy drops the connection to a server that answers before the content has come, and ends the answer itself.
          const mayBeEmpty = route === '/reflect' && (arrival === 'in pieces' || arrival === 'once it may');
          return mayBeEmpty && onlyAnswer(received.bytes).body === '' ? undefined : check(received);
        },
      });
    }
  }
}

async function askedByHead(setup: ProxySetup): Promise<void> {
  for (const path of attacks.HEAD_PATHS) await setup.carryOut(attacks.askedByHead(path, setup.newToken()));
}

async function oddMethods(setup: ProxySetup): Promise<void> {
  for (const method of attacks.ODD_METHODS) await setup.carryOut(attacks.oddMethod(method, setup.newToken()));
  // The proxies refuse this one.
  const { bytes } = await setup.carryOut(attacks.oddMethod('DELETE', setup.newToken()));
  assert.is(fieldOf(onlyAnswer(bytes).head, 'x-method'), undefined);
}

async function unread(setup: ProxySetup): Promise<void> {
  const trap = get('/say', 'careful-trap');
  for (const size of [1, 100, 5000, 300_000]) {
    for (const route of ['/ignore', '/failing', '/null', '/none']) {
      for (const missing of [0, 1]) {
        const token = setup.newToken();
        const content = trap.repeat(Math.ceil(size / trap.length)).slice(0, size);
        const head = `POST ${route}?t=${token} HTTP/1.1\r\nhost: attacker\r\ncontent-length: ${size + missing}\r\n\r\n`;
        await setup.attack(`${route} of ${size}, ${missing} missing`, [head, content], { done: whole(1) });
      }
    }
  }
}

async function broken(setup: ProxySetup, path: string): Promise<void> {
  for (const _turn of range(5)) {
    const token = setup.newToken();
    const { bytes } = await setup.attack('/failing', [get('/failing', token)], { target: { path } });
    const answers = answersIn(bytes, { cut: true });
    if (answers.length === 0 || answers[0]!.status >= 500) continue;
    assert.throws(() => answersIn(bytes), /cut off|bytes came/, show(bytes.toString('latin1')));
  }
}
