/**
 * What must hold behind any proxy: one user attacks, the other one's requests are on the same connections to the server, and
 * nobody gets a byte that is not theirs.
 */
import { type Test, test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Server } from '../../../lib/index.js';
import { randomOf } from '../random.js';
import type { Target } from '../server/http-client.js';
import { range } from '../server/wait.js';
import { bodyOf, MADE_CASES, UPSTREAM_VARIABLE } from './app.js';
import { HostileUpstream, judgePassedOn, UPSTREAM_CASES, UPSTREAM_NAMES } from './hostile-upstream.js';
import { FrontProxy, find, type ProxyName } from './proxy.js';
import { openTrap, SMUGGLING, trapOf } from './smuggling.js';
import { answersIn, fieldOf, type Said, show, tokensIn } from './transcript.js';
import { attack, CarefulUser, type Loot, ONCE_ANSWERED } from './user.js';

const THREADS = 3;
const SEED = 8;
/** What the careful user asks while the attack goes on, and after it. */
const MEANWHILE = 2;
const AFTERWARDS = 2;

const get = (path: string, token: string, fields = ''): string =>
  `GET ${path}${path.includes('?') ? '&' : '?'}t=${token} HTTP/1.1\r\nhost: attacker\r\n${fields}\r\n`;

/** Whether so many whole answers have come. */
const whole =
  (count: number, heads: readonly number[] = []) =>
  (got: Buffer): boolean => {
    try {
      return answersIn(got, { heads }).length >= count;
    } catch {
      return false;
    }
  };

/** The server, the proxy, both users. */
class Scene implements AsyncDisposable {
  #attacks = 0;

  private constructor(
    readonly server: Server,
    readonly upstream: HostileUpstream,
    readonly proxy: FrontProxy,
    readonly careful: CarefulUser,
  ) {}

  static async start(name: ProxyName, program: string): Promise<Scene> {
    const upstream = await HostileUpstream.start();
    process.env[UPSTREAM_VARIABLE] = upstream.url;
    const app = new URL('./app.js', import.meta.url);
    // The proxy decides how long it keeps a connection, so that none is closed under a request of the careful user.
    const server = createServer({ app, threads: THREADS, keepAliveTimeout: 0 });
    await server.listen({ port: 0 });
    const proxy = await FrontProxy.start(name, program, (server.address() as { port: number }).port);
    const careful = new CarefulUser({ path: proxy.front }, randomOf(SEED), 'careful');
    return new Scene(server, upstream, proxy, careful);
  }

  get target(): Target {
    return { path: this.proxy.front };
  }

  /** Connections that the server has had. */
  get accepted(): number {
    return this.server.threads().reduce((sum, thread) => sum + thread.accepted, 0);
  }

  newToken(): string {
    return `attacker-${this.#attacks++}`;
  }

  /** One attack, and the careful user before, beside and behind it. @throws when anybody gets what is another's */
  async attack(
    what: string,
    pieces: readonly (string | Uint8Array)[],
    { done, target = this.target }: { done?: (got: Buffer) => boolean; target?: Target } = {},
  ): Promise<Loot> {
    try {
      await this.careful.ask(1);
      let meanwhile: Promise<void> | undefined;
      const sent = (): void => {
        meanwhile = this.careful.ask(MEANWHILE);
        meanwhile.catch(() => {});
      };
      const loot = await attack(target, pieces, done === undefined ? { sent } : { done, sent });
      await meanwhile;
      await this.careful.ask(AFTERWARDS);
      const strange = tokensIn(loot.bytes).find((token) => !token.startsWith('attacker-'));
      if (strange !== undefined) throw new Error(`the attacker got the answer of ${strange}`);
      return loot;
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.careful.leave();
    await this.proxy[Symbol.asyncDispose]();
    await this.server.close({ drainMs: 0 });
    await this.upstream[Symbol.asyncDispose]();
  }
}

/** Runs the suite, or says why it does not. */
export function behind(name: ProxyName): void {
  const program = find(name);
  if (program === undefined) {
    console.log(
      `skipped: no ${name} is installed (apt-get install ${name === 'nginx' ? 'nginx-light' : name})`,
    );
    test.skip(`behind ${name}`, () => {});
  } else {
    const scene = (body: (scene: Scene) => Promise<void>) => async () => {
      await using started = await Scene.start(name, program);
      await body(started);
      assert.ok(started.careful.verified > 0);
      assert.is(started.server.threads().filter(({ state }) => state === 'dead').length, 0);
    };
    declare(test, name, scene);
  }
  test.run();
}

function declare(
  test: Test,
  name: ProxyName,
  scene: (body: (scene: Scene) => Promise<void>) => () => Promise<void>,
): void {
  test('both users have the same connection to the server', scene(shared));
  test('no content is taken for a request, and no request for content', scene(smuggled));
  test('what a hostile upstream says stays inside the answer to who asked', scene(passedOn));
  test('what an app says wrongly stays inside the answer to who asked', scene(madeWrongly));
  test('Expect: 100-continue breaks no answer, whenever the content comes', scene(expecting));
  test('answers to HEAD are in step', scene(askedByHead));
  test('a method is as it was sent, so no rule on methods is passed by', scene(oddMethods));
  test('content that the app does not read belongs to its own request', scene(unread));
  test(
    'an answer that breaks is not taken for a whole one',
    scene((it) => broken(it, it.proxy.front)),
  );
  if (name === 'nginx')
    test(
      'nor by a proxy that asks in HTTP/1.0',
      scene((it) => broken(it, it.proxy.oldFront)),
    );
}

async function shared(scene: Scene): Promise<void> {
  for (const _turn of range(10)) {
    const token = scene.newToken();
    await scene.careful.ask(1);
    const { bytes } = await attack(scene.target, [get('/say', token)], { done: whole(1) });
    assert.is(onlyAnswer(bytes).token, token);
  }
  assert.is(scene.accepted, 1);
}

function onlyAnswer(bytes: Buffer): Said {
  const answers = answersIn(bytes);
  assert.is(answers.length, 1, bytes.toString('latin1'));
  return answers[0]!;
}

async function smuggled(scene: Scene): Promise<void> {
  for (const { name, bytes, verdict } of SMUGGLING) {
    for (const trap of [undefined, openTrap]) {
      const token = scene.newToken();
      const options = verdict === 'content' ? { done: whole(1) } : {};
      const loot = await scene.attack(name, [bytes(token, trap?.(token))], options);
      const tokens = answersIn(loot.bytes, { cut: true }).map((answer) => answer.token);
      // The proxy may know better than to pass it on as it is; the server's answers are in the order of its requests then.
      const known = tokens.filter((each) => each !== undefined);
      const inOrder = [token, trapOf(token)].filter((each) => known.includes(each));
      assert.equal(known, inOrder, `${name}: ${tokens}`);
      if (verdict === 'content') assert.equal(tokens, [token], name);
    }
  }
}

/** Asks for something strange and then for something known, on one connection, and looks whether the second one is right. */
async function inStep(scene: Scene, what: string, path: string): Promise<Said | undefined> {
  const token = scene.newToken();
  const next = `${token}-next`;
  const { bytes } = await scene.attack(what, [get(path, token), get('/say?bytes=100', next)], {
    done: whole(2),
  });
  // As a part of a value it does no harm.
  assert.not.match(bytes.toString('latin1'), /^x-injected/im, what);
  const [first, second, ...more] = answersIn(bytes, { cut: true });
  assert.is(more.length, 0, what);
  assert.ok(first !== undefined, `${what}: no answer`);
  assert.ok(first.token === token || first.token === undefined, `${what}: ${first.head}`);
  if (second === undefined) return undefined;
  assert.is(second.token, next, `${what}: ${show(second.head)}`);
  assert.is(second.body, bodyOf(next, 100), what);
  return first;
}

async function passedOn(scene: Scene): Promise<void> {
  for (const route of ['/upstream', '/upstream-rebuilt']) {
    for (const name of UPSTREAM_NAMES) {
      const what = `${route} ${name}`;
      const first = await inStep(scene, what, `${route}?case=${name}`);
      if (first?.token !== undefined && first.status === 200)
        assert.is(judgePassedOn(name, first.token, first.head, first.body), undefined, what);
      if (UPSTREAM_CASES[name]!.body !== undefined) assert.is(first?.status, 200, what);
    }
  }
}

async function madeWrongly(scene: Scene): Promise<void> {
  for (const name of MADE_CASES) await inStep(scene, name, `/made?case=${encodeURIComponent(name)}`);
}

async function expecting(scene: Scene): Promise<void> {
  const content = bodyOf('content', 5000);
  for (const route of ['/reflect', '/ignore', '/late', '/echo']) {
    for (const comes of ['at once', 'in pieces', 'once it may', 'never']) {
      const what = `${route}, content ${comes}`;
      const token = scene.newToken();
      const head = `POST ${route}?t=${token} HTTP/1.1\r\nhost: attacker\r\nexpect: 100-continue\r\ncontent-length: 5000\r\n\r\n`;
      const parts = {
        'at once': [head + content],
        'in pieces': [head, content.slice(0, 7), content.slice(7)],
        'once it may': [head, ONCE_ANSWERED, content],
        never: [head],
      }[comes]!;
      const loot = await scene.attack(what, parts, comes === 'never' ? {} : { done: whole(1) });
      if (comes === 'never') continue;
      assert.ok(whole(1)(loot.bytes), `${what}: ${show(loot.bytes.toString('latin1'))}`);
      const answers = answersIn(loot.bytes);
      assert.is(answers.length, 1, what);
      assert.is(answers[0]!.token, token, what);
      const body = { '/reflect': content, '/echo': content, '/late': `${token} 5000`, '/ignore': token }[
        route
      ];
      // HAProxy lets go of a server that answers before the content has come, and ends the answer itself.
      if (route === '/reflect' && comes !== 'at once' && answers[0]!.body === '') continue;
      assert.is(answers[0]!.body, body, what);
    }
  }
}

async function askedByHead(scene: Scene): Promise<void> {
  const paths = [
    '/say?bytes=70000',
    '/stream?bytes=9',
    '/null',
    '/unchanged',
    '/nothing',
    '/failing',
    '/none',
  ];
  for (const path of paths) {
    const token = scene.newToken();
    const asked = [get(path, token).replace('GET', 'HEAD'), get('/say?bytes=10', `${token}-next`)];
    const { bytes } = await scene.attack(`HEAD ${path}`, asked, { done: whole(2, [0]) });
    const [first, second] = answersIn(bytes, { heads: [0] });
    assert.is(first?.token, token, path);
    assert.is(second?.token, `${token}-next`, path);
    assert.is.not(fieldOf(first!.head, 'content-length'), '0', path);
  }
}

async function oddMethods(scene: Scene): Promise<void> {
  for (const method of ['DELETE', 'delete', 'Delete', 'get', 'Head', 'pOST']) {
    const token = scene.newToken();
    const loot = await scene.attack(method, [get('/say', token).replace('GET', method)], { done: whole(1) });
    const { status, head } = onlyAnswer(loot.bytes);
    const seen = fieldOf(head, 'x-method');
    assert.ok(
      seen === undefined ? status >= 400 : seen === method && method !== 'DELETE',
      `${method}: ${head}`,
    );
  }
}

async function unread(scene: Scene): Promise<void> {
  const trap = get('/say', 'careful-trap');
  for (const size of [1, 100, 5000, 300_000]) {
    for (const route of ['/ignore', '/failing', '/null', '/none']) {
      for (const missing of [0, 1]) {
        const token = scene.newToken();
        const content = trap.repeat(Math.ceil(size / trap.length)).slice(0, size);
        const head = `POST ${route}?t=${token} HTTP/1.1\r\nhost: attacker\r\ncontent-length: ${size + missing}\r\n\r\n`;
        await scene.attack(`${route} of ${size}, ${missing} missing`, [head, content], { done: whole(1) });
      }
    }
  }
}

async function broken(scene: Scene, path: string): Promise<void> {
  for (const _turn of range(5)) {
    const token = scene.newToken();
    const { bytes } = await scene.attack('/failing', [get('/failing', token)], { target: { path } });
    const answers = answersIn(bytes, { cut: true });
    if (answers.length === 0 || answers[0]!.status >= 500) continue;
    assert.throws(() => answersIn(bytes), /cut off|bytes came/, show(bytes.toString('latin1')));
  }
}
