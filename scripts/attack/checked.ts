/** Attacks with known answers: each sends little, and checks every byte that comes back. */

import { pieces } from '../../spec/support/http/requests.js';
import { bodyOf, MADE_CASES } from '../../spec/support/proxies/app.js';
import {
  ARRIVALS,
  askedByHead,
  EXPECT_ROUTES,
  expecting,
  get,
  HEAD_PATHS,
  madeWrongly,
  ODD_METHODS,
  oddMethod,
  PASSING_ROUTES,
  passedOn,
  whole,
} from '../../spec/support/proxies/attacks.js';
import { UPSTREAM_NAMES } from '../../spec/support/proxies/hostile-upstream.js';
import { SMUGGLING, trapOf } from '../../spec/support/proxies/smuggling.js';
import { answersIn, fieldOf, show } from '../../spec/support/proxies/transcript.js';
import { attack } from '../../spec/support/proxies/user.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import type { AttackContext } from './context.js';

/** The bytes whole or in random pieces. */
const inPieces = (random: Random, text: string): Buffer[] => {
  const bytes = Buffer.from(text, 'latin1');
  return random(2) === 0 ? [bytes] : pieces(random, bytes);
};

/** Request smuggling: the server refuses an ambiguous request, or delimits it as every other server does. */
export async function smuggle(context: AttackContext): Promise<void> {
  const random = context.fork();
  for (const { name, bytes, verdict } of SMUGGLING) {
    const token = context.newToken();
    const { bytes: got, end } = await context.send(name, inPieces(random, bytes(token)), {
      // A refusal ends the connection.
      done: verdict === 'content' ? whole(1) : () => false,
    });
    context.check(name, () => {
      const answers = answersIn(got);
      if (answers.some((answer) => answer.token === trapOf(token))) return 'content was taken for a request';
      const status = answers.at(-1)?.status ?? 0;
      if (verdict === 'content') return status === 200 ? undefined : `${status} instead of 200`;
      if (status < 400) return `${status} instead of a refusal`;
      return end === undefined ? 'the connection goes on after a refusal' : undefined;
    });
  }
}

/** Answers that an app makes of a hostile upstream's. */
export async function passOn(context: AttackContext): Promise<void> {
  for (const name of UPSTREAM_NAMES)
    await context.carryOut(passedOn(oneOf(context.random, PASSING_ROUTES), name, context.newToken()));
}

/** Malformed answers of the app's own. */
export async function makeWrongly(context: AttackContext): Promise<void> {
  for (const name of MADE_CASES) await context.carryOut(madeWrongly(name, context.newToken()));
}

/** Expect: 100-continue with content that comes at any time or never, for apps that read it or answer before. */
export async function expect(context: AttackContext): Promise<void> {
  const random = context.fork();
  const content = bodyOf('content', 1 + random(200_000));
  for (const route of EXPECT_ROUTES) {
    for (const arrival of ARRIVALS) {
      const split = pieces(random, Buffer.from(content));
      await context.carryOut(expecting(route, arrival, context.newToken(), content, split));
    }
  }
}

/** A method reaches the app as it was sent, or is refused. */
export async function oddMethods(context: AttackContext): Promise<void> {
  for (const method of ODD_METHODS) await context.carryOut(oddMethod(method, context.newToken()));
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

/** Invalid hosts: a request's URL never names another host than the one that was sent. */
export async function oddHosts(context: AttackContext): Promise<void> {
  for (const host of [...NO_HOSTS, 'a%00', '999.999.999.999', 'xn--zzzzzz-', 'a,b', '\xc3\xa4']) {
    const request = get('/say', context.newToken()).replace('attacker\r\n', () => `${host}\r\n`);
    const { bytes } = await context.send(`host ${host}`, [request], { done: whole(1) });
    context.check(`Host ${show(host)}`, () => {
      const [answer] = answersIn(bytes);
      if (answer === undefined) return 'no answer';
      const url = fieldOf(answer.head, 'x-url');
      if (url === undefined) return answer.status === 400 ? undefined : `${answer.status} instead of 400`;
      // The URL's host must be the one that was sent, whatever the URL standard makes of such names.
      return new URL(url).host === host ? undefined : `the app saw ${url}`;
    });
  }
}

/** Control characters in fields and targets. */
export async function controls(context: AttackContext): Promise<void> {
  const random = context.fork();
  const codes = [...Array(32).keys(), 0x7f].filter((code) => code !== 0x09);
  for (const code of codes) {
    const byte = String.fromCharCode(code);
    const at = oneOf(random, ['value', 'name', 'target']);
    const request = {
      value: get('/say', context.newToken()).replace('\r\n\r\n', `\r\nx: a${byte}b\r\n\r\n`),
      name: get('/say', context.newToken()).replace('\r\n\r\n', `\r\nx${byte}y: a\r\n\r\n`),
      target: get(`/say?bytes=1&a=${byte}`, context.newToken()),
    }[at]!;
    const { bytes } = await context.send(`byte ${code}`, inPieces(random, request), { done: whole(1) });
    context.check(`byte ${code} in a ${at}`, () => {
      const status = answersIn(bytes, { cut: true })[0]?.status;
      return status === 400 ? undefined : `${status} instead of 400`;
    });
  }
}

/** HEAD of everything: no content, and no Content-Length where the length is unknown. */
export async function askByHead(context: AttackContext): Promise<void> {
  for (const path of HEAD_PATHS) await context.carryOut(askedByHead(path, context.newToken()));
}

/** To an HTTP/1.0 client, whose answers end with the connection, a body that breaks must not look complete. */
export async function oldClients(context: AttackContext): Promise<void> {
  for (const [path, isWhole] of [
    ['/failing', false],
    ['/stream?bytes=3000', true],
    ['/say?bytes=10', true],
  ] as const) {
    const { bytes, end } = await context.send(path, [get(path, context.newToken(), 'GET', '1.0')], {
      done: () => false,
    });
    context.check(`HTTP/1.0 ${path}`, () => {
      // Does not check for a reset: libuv may report one that arrives with the last bytes as an end. spec/integration/server/wire.ts asks the kernel.
      if (!isWhole) return end === undefined ? 'the connection stays open' : undefined;
      const [answer] = answersIn(bytes);
      return answer?.status === 200 && end === 'FIN' ? undefined : `${answer?.status}, ends with ${end}`;
    });
  }
}

/** Content that an app transfers or changes, which must not change any other content. */
export async function shareBuffers(context: AttackContext): Promise<void> {
  const random = context.fork();
  const sizes = [0, 0, 1, random(5000), 100_000];
  for (const size of sizes) {
    const content = bodyOf('content', size);
    const head = `POST /transfer?t=${context.newToken()} HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`;
    const { bytes } = await context.send('/transfer', [head + content], { done: whole(1) });
    context.check(`/transfer of ${size}`, () => {
      const [answer] = answersIn(bytes);
      return answer?.body === String(size) ? undefined : `${answer?.status}: ${show(answer?.body ?? '')}`;
    });
    const token = context.newToken();
    const path = `/mutate?how=${oneOf(random, ['clone', 'rebuilt', 'source'])}`;
    const changed = await context.send(path, [get(path, token)], { done: whole(1) });
    context.check(path, () => {
      const [answer] = answersIn(changed.bytes);
      return answer?.body === token ? undefined : `${answer?.status}: ${show(answer?.body ?? '')}`;
    });
  }
}

/** A signature as an extension of every chunk, as some clients send it, is accepted in any number of chunks. */
export async function harmlessExtensions(context: AttackContext): Promise<void> {
  const random = context.fork();
  const signature = `;chunk-signature=${'0f'.repeat(32)}`;
  const count = 300 + random(700);
  const chunk = `2${signature}\r\nab\r\n`;
  const head = `POST /echo?t=${context.newToken()} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`;
  const request = `${head}${chunk.repeat(count)}0${signature}\r\n\r\n`;
  const { bytes } = await context.send('extensions', inPieces(random, request), { done: whole(1) });
  context.check(`${count} chunks with a signature`, () => {
    const [answer] = answersIn(bytes);
    return answer?.body === 'ab'.repeat(count) ? undefined : `${answer?.status}: ${show(answer?.body ?? '')}`;
  });
}

/** As many header fields as a head has room for, and more. */
export async function manyFields(context: AttackContext): Promise<void> {
  const random = context.fork();
  const count = random(5000);
  const fields = Array.from({ length: count }, (_, number) => `${number.toString(36)}:${random(10)}`).join(
    '\r\n',
  );
  const request = get('/say', context.newToken()).replace('\r\n\r\n', () => `\r\n${fields}\r\n\r\n`);
  const { bytes } = await context.send('fields', inPieces(random, request), { done: whole(1) });
  context.check(`${count} fields`, () => {
    const status = answersIn(bytes)[0]?.status;
    return status === (request.length > 16_384 ? 431 : status === 431 ? 431 : 200) ? undefined : `${status}`;
  });
}

/** The dashboard refuses malformed requests. */
export async function oddDashboard(context: AttackContext): Promise<void> {
  const random = context.fork();
  const target = { host: '127.0.0.1', port: context.ports.dashboard, localAddress: '127.66.0.1' };
  for (let turn = 0; turn < 5; turn++) {
    const { bytes, name } = oneOf(random, SMUGGLING);
    const { bytes: got } = await attack(target, [bytes(context.newToken())]);
    context.check(`${name} to the dashboard`, () => {
      const status = answersIn(got, { cut: true })[0]?.status ?? 400;
      return status >= 400 ? undefined : `${status}`;
    });
  }
}
