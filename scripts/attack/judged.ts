/** Attacks whose answers are foretold: each sends little, and looks at every byte that comes back. */

import { pieces } from '../../spec/support/http/requests.js';
import { bodyOf, MADE_CASES } from '../../spec/support/proxies/app.js';
import {
  judgePassedOn,
  UPSTREAM_CASES,
  UPSTREAM_NAMES,
} from '../../spec/support/proxies/hostile-upstream.js';
import { SMUGGLING, trapOf } from '../../spec/support/proxies/smuggling.js';
import { answersIn, fieldOf, show } from '../../spec/support/proxies/transcript.js';
import { attack, ONCE_ANSWERED } from '../../spec/support/proxies/user.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import type { Arena } from './arena.js';

const get = (path: string, token: string, line = 'GET', version = '1.1'): string =>
  `${line} ${path}${path.includes('?') ? '&' : '?'}t=${token} HTTP/${version}\r\nhost: attacker\r\n\r\n`;

/** Whether so many whole answers have come. */
export const whole =
  (count: number, heads: readonly number[] = []) =>
  (got: Buffer): boolean => {
    try {
      return answersIn(got, { heads }).length >= count;
    } catch {
      return false;
    }
  };

/** The bytes at once or in random pieces. */
const inPieces = (random: Random, text: string): Buffer[] => {
  const bytes = Buffer.from(text, 'latin1');
  return random(2) === 0 ? [bytes] : pieces(random, bytes);
};

/** Two ways to read where a request ends: the server refuses, or takes the one that all others take. */
export async function smuggle(arena: Arena): Promise<void> {
  const random = arena.fork();
  for (const { name, bytes, verdict } of SMUGGLING) {
    const token = arena.newToken();
    const { bytes: got, end } = await arena.send(name, inPieces(random, bytes(token)), {
      // A refusal is over when the connection is.
      done: verdict === 'content' ? whole(1) : () => false,
    });
    arena.judge(name, () => {
      const answers = answersIn(got);
      if (answers.some((answer) => answer.token === trapOf(token))) return 'content was taken for a request';
      const status = answers.at(-1)?.status ?? 0;
      if (verdict === 'content') return status === 200 ? undefined : `${status} instead of 200`;
      if (status < 400) return `${status} instead of a refusal`;
      return end === undefined ? 'the connection goes on after a refusal' : undefined;
    });
  }
}

/** Asks for something strange and then for something known; the connection has to survive the first one. */
async function inStep(arena: Arena, what: string, path: string, survives: boolean): Promise<void> {
  const token = arena.newToken();
  const next = `${token}-next`;
  const { bytes } = await arena.send(what, [get(path, token), get('/say?bytes=100', next)], {
    done: whole(2),
  });
  arena.judge(what, () => {
    if (/^x-injected/im.test(bytes.toString('latin1'))) return 'a field was injected';
    const [first, second, ...more] = answersIn(bytes, { cut: true });
    if (first === undefined) return 'no answer';
    if (more.length > 0) return `a third answer: ${show(more[0]!.head)}`;
    const name = new URLSearchParams(path.split('?')[1]).get('case')!;
    const isOwn = first.token === token && first.status === 200;
    const wrong = isOwn && path.startsWith('/upstream') && judgePassedOn(name, token, first.head, first.body);
    if (wrong) return wrong;
    if (survives && !isOwn) return `no answer passed on: ${show(first.head)}`;
    if (second === undefined) return survives ? 'the connection did not go on' : undefined;
    return second.token === next && second.body === bodyOf(next, 100)
      ? undefined
      : `next: ${show(second.head)}`;
  });
}

/** Answers that an app builds of what a hostile upstream says. */
export async function passOn(arena: Arena): Promise<void> {
  for (const name of UPSTREAM_NAMES) {
    const route = oneOf(arena.random, ['/upstream', '/upstream-rebuilt']);
    const survives = UPSTREAM_CASES[name]!.body !== undefined;
    await inStep(arena, `${route} ${name}`, `${route}?case=${name}`, survives);
  }
}

/** Answers that an app builds wrongly by itself. */
export async function makeWrongly(arena: Arena): Promise<void> {
  for (const name of MADE_CASES)
    await inStep(arena, `an app's ${name}`, `/made?case=${encodeURIComponent(name)}`, false);
}

/** Content that waits to be asked for, or never comes; and apps that answer before they read. */
export async function expect(arena: Arena): Promise<void> {
  const random = arena.fork();
  const size = 1 + random(200_000);
  const content = bodyOf('content', size);
  for (const route of ['/reflect', '/ignore', '/late', '/echo']) {
    for (const comes of ['at once', 'in pieces', 'once it may', 'never'] as const) {
      const what = `Expect, ${route} with ${size} bytes ${comes}`;
      const token = arena.newToken();
      const head = `POST ${route}?t=${token} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: ${size}\r\n\r\n`;
      const parts = {
        'at once': [head + content],
        'in pieces': [head, ...pieces(random, Buffer.from(content))],
        'once it may': [head, ONCE_ANSWERED, content],
        never: [head],
      }[comes];
      const { bytes } = await arena.send(what, parts, comes === 'never' ? {} : { done: whole(1) });
      arena.judge(what, () => {
        const [answer, ...more] = answersIn(bytes, { cut: comes === 'never' });
        if (more.length > 0) return `a second answer: ${show(more[0]!.head)}`;
        if (comes === 'never') return undefined;
        const body = { '/reflect': content, '/echo': content, '/late': `${token} ${size}`, '/ignore': token };
        if (answer?.body !== body[route as keyof typeof body])
          return `another body: ${show(answer?.body ?? '')}`;
        return undefined;
      });
    }
  }
}

const METHODS = ['delete', 'Delete', 'get', 'Head', 'pOST', 'options', 'PURGE', 'M-SEARCH', 'patch'];

/** Methods are as they were sent, or refused. */
export async function oddMethods(arena: Arena): Promise<void> {
  for (const method of METHODS) {
    const { bytes } = await arena.send(method, [get('/say', arena.newToken(), method)], { done: whole(1) });
    arena.judge(`method ${method}`, () => {
      const [answer] = answersIn(bytes);
      const seen = answer === undefined ? undefined : fieldOf(answer.head, 'x-method');
      if (answer === undefined || (seen === undefined && answer.status < 400)) return 'no answer';
      return seen === undefined || seen === method ? undefined : `the app saw ${seen}`;
    });
  }
}

const NO_HOSTS = [
  'a%2fb',
  'a b',
  'a/b',
  'a@b',
  'a?b',
  'a#b',
  'a\\b',
  '[::1',
  '::1',
  'a:b',
  'xn--a',
  '%',
  'a^b',
];

/** Hosts that are none: the URL of a request never names a host that nobody sent. */
export async function oddHosts(arena: Arena): Promise<void> {
  for (const host of [...NO_HOSTS, 'a%00', '999.999.999.999', 'xn--zzzzzz-', 'a,b', '\xc3\xa4']) {
    const request = get('/say', arena.newToken()).replace('attacker\r\n', () => `${host}\r\n`);
    const { bytes } = await arena.send(`host ${host}`, [request], { done: whole(1) });
    arena.judge(`Host ${show(host)}`, () => {
      const [answer] = answersIn(bytes);
      if (answer === undefined) return 'no answer';
      const url = fieldOf(answer.head, 'x-url');
      if (url === undefined) return answer.status === 400 ? undefined : `${answer.status} instead of 400`;
      // What a URL takes for a host must be what came, whatever the rules for names are.
      return new URL(url).host === host ? undefined : `the app saw ${url}`;
    });
  }
}

/** Control characters in fields and targets. */
export async function controls(arena: Arena): Promise<void> {
  const random = arena.fork();
  const codes = [...Array(32).keys(), 0x7f].filter((code) => code !== 0x09);
  for (const code of codes) {
    const byte = String.fromCharCode(code);
    const at = oneOf(random, ['value', 'name', 'target']);
    const request = {
      value: get('/say', arena.newToken()).replace('\r\n\r\n', `\r\nx: a${byte}b\r\n\r\n`),
      name: get('/say', arena.newToken()).replace('\r\n\r\n', `\r\nx${byte}y: a\r\n\r\n`),
      target: get(`/say?bytes=1&a=${byte}`, arena.newToken()),
    }[at]!;
    const { bytes } = await arena.send(`byte ${code}`, inPieces(random, request), { done: whole(1) });
    arena.judge(`byte ${code} in a ${at}`, () => {
      const status = answersIn(bytes, { cut: true })[0]?.status;
      return status === 400 ? undefined : `${status} instead of 400`;
    });
  }
}

/** HEAD of everything: no content, and no length of content that nobody knows. */
export async function askByHead(arena: Arena): Promise<void> {
  const paths = [
    '/say?bytes=70000',
    '/stream?bytes=9',
    '/null',
    '/unchanged',
    '/nothing',
    '/failing',
    '/none',
  ];
  for (const path of [...paths, '/upstream?case=connection-close']) {
    const token = arena.newToken();
    const asked = [get(path, token, 'HEAD'), get('/say?bytes=10', `${token}-next`)];
    const { bytes } = await arena.send(path, asked, { done: whole(2, [0]) });
    arena.judge(`HEAD ${path}`, () => {
      const [first, second] = answersIn(bytes, { heads: [0] });
      if (first?.token !== token) return 'no answer';
      if (fieldOf(first.head, 'content-length') === '0') return 'a length of 0';
      return second?.token === `${token}-next` ? undefined : 'the next answer is not the next request’s';
    });
  }
}

/** A body that breaks must not look whole to a client of HTTP/1.0, whose answers end with the connection. */
export async function oldClients(arena: Arena): Promise<void> {
  for (const [path, isWhole] of [
    ['/failing', false],
    ['/stream?bytes=3000', true],
    ['/say?bytes=10', true],
  ] as const) {
    const { bytes, end } = await arena.send(path, [get(path, arena.newToken(), 'GET', '1.0')], {
      done: () => false,
    });
    arena.judge(`HTTP/1.0 ${path}`, () => {
      // Not how it ended: libuv may tell a reset that comes with the last bytes as an end. spec/integration/server/wire.ts asks the kernel.
      if (!isWhole) return end === undefined ? 'the connection stays open' : undefined;
      const [answer] = answersIn(bytes);
      return answer?.status === 200 && end === 'FIN' ? undefined : `${answer?.status}, ends with ${end}`;
    });
  }
}

/** Content that an app gives away or changes, beside content of others that must not change with it. */
export async function shareBuffers(arena: Arena): Promise<void> {
  const random = arena.fork();
  const sizes = [0, 0, 1, random(5000), 100_000];
  for (const size of sizes) {
    const content = bodyOf('content', size);
    const head = `POST /transfer?t=${arena.newToken()} HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`;
    const { bytes } = await arena.send('/transfer', [head + content], { done: whole(1) });
    arena.judge(`/transfer of ${size}`, () => {
      const [answer] = answersIn(bytes);
      return answer?.body === String(size) ? undefined : `${answer?.status}: ${show(answer?.body ?? '')}`;
    });
    const token = arena.newToken();
    const path = `/mutate?how=${oneOf(random, ['clone', 'rebuilt', 'source'])}`;
    const changed = await arena.send(path, [get(path, token)], { done: whole(1) });
    arena.judge(path, () => {
      const [answer] = answersIn(changed.bytes);
      return answer?.body === token ? undefined : `${answer?.status}: ${show(answer?.body ?? '')}`;
    });
  }
}

/** Extensions as signing clients send them, in every chunk: no harm, however many there are. */
export async function harmlessExtensions(arena: Arena): Promise<void> {
  const random = arena.fork();
  const signature = `;chunk-signature=${'0f'.repeat(32)}`;
  const count = 300 + random(700);
  const chunk = `2${signature}\r\nab\r\n`;
  const head = `POST /echo?t=${arena.newToken()} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`;
  const request = `${head}${chunk.repeat(count)}0${signature}\r\n\r\n`;
  const { bytes } = await arena.send('extensions', inPieces(random, request), { done: whole(1) });
  arena.judge(`${count} chunks with a signature`, () => {
    const [answer] = answersIn(bytes);
    return answer?.body === 'ab'.repeat(count) ? undefined : `${answer?.status}: ${show(answer?.body ?? '')}`;
  });
}

/** As many fields as a head has room for, and more. */
export async function manyFields(arena: Arena): Promise<void> {
  const random = arena.fork();
  const count = random(5000);
  const fields = Array.from({ length: count }, (_, number) => `${number.toString(36)}:${random(10)}`).join(
    '\r\n',
  );
  const request = get('/say', arena.newToken()).replace('\r\n\r\n', () => `\r\n${fields}\r\n\r\n`);
  const { bytes } = await arena.send('fields', inPieces(random, request), { done: whole(1) });
  arena.judge(`${count} fields`, () => {
    const status = answersIn(bytes)[0]?.status;
    return status === (request.length > 16_384 ? 431 : status === 431 ? 431 : 200) ? undefined : `${status}`;
  });
}

/** A health check or a page that is asked for wrongly costs nobody anything. */
export async function oddDashboard(arena: Arena): Promise<void> {
  const random = arena.fork();
  const target = { host: '127.0.0.1', port: arena.ports.dashboard, localAddress: '127.66.0.1' };
  for (let turn = 0; turn < 5; turn++) {
    const { bytes, name } = oneOf(random, SMUGGLING);
    const { bytes: got } = await attack(target, [bytes(arena.newToken())]);
    arena.judge(`${name} to the dashboard`, () => {
      const status = answersIn(got, { cut: true })[0]?.status ?? 400;
      return status >= 400 ? undefined : `${status}`;
    });
  }
}
