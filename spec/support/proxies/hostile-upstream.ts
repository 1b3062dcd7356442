/** An upstream server that an app trusts, and whose answers break out of a careless server's framing. */
import { createServer, type Server, type Socket } from 'node:net';

/** In UTF-8, U+010D and U+010A, whose low bytes are CR and LF. */
const CRLF_ABOVE = '\xc4\x8d\xc4\x8a';
const INJECTED = `${CRLF_ABOVE}x-injected: 1${CRLF_ABOVE}content-length: 0${CRLF_ABOVE}${CRLF_ABOVE}HTTP/1.1 200 Injected`;

/** A frame of Zstandard (RFC 8878) with `text` in one raw block. */
function zstd(text: string): string {
  const block = 1 | (text.length << 3);
  const header = [0x28, 0xb5, 0x2f, 0xfd, 0x20, text.length, block & 0xff, (block >> 8) & 0xff, 0];
  return String.fromCharCode(...header) + text;
}

interface Case {
  /** The bytes of the answer, as latin1. */
  readonly bytes: (token: string) => string;
  /** The body that a client gets; undefined where any valid answer is right. */
  readonly body?: (token: string) => string;
}

const sized = (line: string, fields: string[], body: string): string =>
  [`HTTP/1.1 ${line}`, ...fields, `content-length: ${body.length}`, '', body].join('\r\n');
const own = (token: string): string => `x-token: ${token}`;
const plain = (token: string, ...fields: string[]): string => sized('200 OK', [own(token), ...fields], token);

/** By name, which is the path of a request. */
export const UPSTREAM_CASES: Readonly<Record<string, Case>> = {
  'reason-above-latin1': { bytes: (token) => sized(`200 OK${INJECTED}`, [own(token)], token) },
  'reason-escape': { bytes: (token) => sized('200 \x1b[2J\x08OK', [own(token)], token) },
  'reason-tab': { bytes: (token) => sized('200 O\tK', [own(token)], token) },
  'reason-none': { bytes: (token) => sized('200 ', [own(token)], token), body: (token) => token },
  'field-above-latin1': { bytes: (token) => plain(token, `x-made: a${INJECTED}`), body: (token) => token },
  'field-escape': { bytes: (token) => plain(token, 'x-made: \x1b[2J\x08') },
  'field-nul': { bytes: (token) => plain(token, 'x-made: a\x00b') },
  'field-bare-cr': { bytes: (token) => plain(token, 'x-made: a\rx-injected: 1') },
  'field-bare-lf': { bytes: (token) => plain(token, 'x-made: a\nx-injectable: 1') },
  'field-folded': { bytes: (token) => plain(token, 'x-made: a\r\n x-folded: 1') },
  'two-lengths': { bytes: (token) => plain(token, 'content-length: 1') },
  'length-and-coding': {
    bytes: (token) => plain(token, 'transfer-encoding: chunked'),
  },
  'too-short': {
    bytes: (token) => `HTTP/1.1 200 OK\r\n${own(token)}\r\ncontent-length: 4000\r\n\r\n${token}`,
  },
  'chunk-broken': {
    bytes: (token) =>
      `HTTP/1.1 200 OK\r\n${own(token)}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`,
  },
  'until-close': {
    bytes: (token) => `HTTP/1.1 200 OK\r\n${own(token)}\r\nconnection: close\r\n\r\n${token}`,
    body: (token) => token,
  },
  'connection-close': { bytes: (token) => plain(token, 'connection: close'), body: (token) => token },
  'connection-odd': {
    bytes: (token) => plain(token, 'connection: x-made, keep-alive', 'keep-alive: timeout=1', 'x-made: a'),
    body: (token) => token,
  },
  'upgrade-offer': { bytes: (token) => plain(token, 'upgrade: h2c'), body: (token) => token },
  'interim-first': {
    bytes: (token) => `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${plain(token)}`,
    body: (token) => token,
  },
  'coding-zstd': {
    bytes: (token) => sized('200 OK', [own(token), 'content-encoding: zstd'], zstd(token)),
    body: (token) => token,
  },
  'coding-unknown': {
    bytes: (token) => plain(token, 'content-encoding: x-unknown'),
    body: (token) => token,
  },
  'coding-lies': { bytes: (token) => plain(token, 'content-encoding: gzip') },
  'trailer-fields': {
    bytes: (token) =>
      `HTTP/1.1 200 OK\r\n${own(token)}\r\ntransfer-encoding: chunked\r\n\r\n` +
      `${token.length.toString(16)}\r\n${token}\r\n0\r\nx-injected: 1\r\n\r\n`,
    body: (token) => token,
  },
};
export const UPSTREAM_NAMES: readonly string[] = Object.keys(UPSTREAM_CASES);
/** Answers after which the upstream closes the connection: they have no other end, or a wrong one. */
const ENDED = [
  'too-short',
  'chunk-broken',
  'until-close',
  'two-lengths',
  'length-and-coding',
  'connection-close',
];

/**
 * Checks an answer that a client got in this case.
 *
 * @returns what is wrong with it
 */
export function checkPassedOn(name: string, token: string, head: string, body: string): string | undefined {
  if (/^x-injected/im.test(head)) return 'a field that an upstream injected';
  const expected = UPSTREAM_CASES[name]!.body?.(token);
  if (expected === undefined) return undefined;
  if (!head.startsWith('HTTP/1.1 200')) return `instead of 200: ${head.slice(0, 100)}`;
  // Content that was not decoded must still have its Content-Encoding.
  if (/^content-encoding: *zstd/im.test(head)) return body === zstd(token) ? undefined : 'zstd that is none';
  return body === expected ? undefined : `another body: ${JSON.stringify(body.slice(0, 100))}`;
}

export class HostileUpstream implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
      let asked = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        asked += text;
        if (!asked.includes('\r\n\r\n')) return;
        const [, name, token] = /^\w+ \/([\w-]+)\?t=([\w-]+) /.exec(asked) ?? [];
        asked = '';
        if (name === undefined || token === undefined) return void socket.destroy();
        socket.write(Buffer.from(UPSTREAM_CASES[name]!.bytes(token), 'latin1'));
        if (ENDED.includes(name)) socket.end();
      });
    });
  }

  static async start(): Promise<HostileUpstream> {
    const upstream = new HostileUpstream();
    await new Promise<void>((resolve) => {
      upstream.#server.listen(0, '127.0.0.1', resolve);
    });
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Destroys the connections that its clients keep alive. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
