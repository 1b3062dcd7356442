/** autocannon, undici, curl, wrk and a browser against apps of all kinds: no client reports an error, and every answer is right. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shows, visit } from '../../support/programs/browser.js';
import { load } from '../../support/programs/clients.js';
import { HOW_TO_RUN, installed } from '../../support/programs/install.js';
import { Program, type Runtime } from '../../support/programs/program.js';
import { range, within } from '../../support/server/wait.js';

const THREADS = 3;
const FIXTURES = resolve('dist/spec/fixtures');
const LARGE_BYTES = 3 * 1024 * 1024;
const UPLOAD_BYTES = 2 * 1024 * 1024;
const HELLO = 'hello clients\n';
/** Of autocannon; half of them of undici. */
const REQUESTS = 2000;
const CONNECTIONS = 20;
const PIPELINED = 4;

interface Kind {
  readonly name: string;
  readonly runtime: Runtime;
  /** In fixtures/programs. */
  readonly file: string;
}

const KINDS: readonly Kind[] = [
  { name: 'a fetch app', runtime: 'paceline', file: 'fetch-app' },
  { name: 'a Node listener', runtime: 'paceline', file: 'listener' },
  { name: 'a server file', runtime: 'paceline', file: 'server-file' },
  { name: 'a server of paceline/http', runtime: 'node', file: 'own-server' },
];

interface Cannon {
  readonly errors: number;
  readonly timeouts: number;
  readonly mismatches: number;
  readonly non2xx: number;
  readonly '2xx': number;
}

/** What this spec uses of undici's Pool. */
interface Pool {
  request(options: object): Promise<{ statusCode: number; body: { arrayBuffer(): Promise<ArrayBuffer> } }>;
  close(): Promise<void>;
}

/** Lua: counts answers, wrong ones, and wrk's own errors. */
const WRK_SCRIPT = `
local threads, count = {}, 0
function setup(thread) table.insert(threads, thread) end
function init() wrong, answers = 0, 0 end
function response(status, headers, body)
  answers = answers + 1
  if status ~= 200 or body ~= "hello clients\\n" then wrong = wrong + 1 end
end
function done(summary)
  local answers, wrong, errors = 0, 0, summary.errors
  for _, thread in ipairs(threads) do
    answers, wrong = answers + thread:get("answers"), wrong + thread:get("wrong")
  end
  io.write(string.format("RESULT %d %d %d", answers, wrong,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`;
/** Of wrk, which knows no number of requests. */
const WRK_DURATION = '1s';

const has = (command: string): boolean => spawnSync('which', [command]).status === 0;

/** What a command writes, given this input. @throws unless it ends with 0 */
async function run(
  command: string,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<Buffer> {
  const child = spawn(command, args, { stdio: 'pipe' });
  const chunks: Buffer[] = [];
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  // A command that ends early does not read all of its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await within(
    `the end of ${command}`,
    new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    }),
  );
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${complaints}`);
  return Buffer.concat(chunks);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const upload = (): Buffer => Buffer.alloc(UPLOAD_BYTES, 'what a client sends, ');

type Client = (url: string) => Promise<void>;

async function autocannon(url: string): Promise<void> {
  const cannon = load<(options: object) => Promise<Cannon>>('autocannon');
  const common = { connections: CONNECTIONS, amount: REQUESTS };
  for (const options of [
    { url: `${url}/hello`, expectBody: HELLO, pipelining: PIPELINED },
    { url: `${url}/echo`, method: 'POST', body: 'to be echoed', expectBody: 'to be echoed' },
  ]) {
    const result = await within('autocannon', cannon({ ...common, ...options }));
    const { errors, timeouts, mismatches, non2xx } = result;
    assert.equal(
      { errors, timeouts, mismatches, non2xx },
      { errors: 0, timeouts: 0, mismatches: 0, non2xx: 0 },
    );
    // It leaves out what is still pipelined on a connection when its share has been sent.
    assert.ok(result['2xx'] >= REQUESTS - CONNECTIONS * PIPELINED, `${result['2xx']} right answers`);
  }
}

async function undici(url: string): Promise<void> {
  const undici = load<{ Pool: new (url: string, options: object) => Pool }>('undici');
  const pool = new undici.Pool(url, { connections: CONNECTIONS, pipelining: PIPELINED });
  const ask = async (options: object): Promise<Buffer> => {
    const { statusCode, body } = await pool.request(options);
    assert.is(statusCode, 200);
    return Buffer.from(await body.arrayBuffer());
  };
  try {
    await within(
      'undici',
      Promise.all(
        range(REQUESTS / 4).map(async (index) => {
          assert.is(String(await ask({ path: '/hello', method: 'GET' })), HELLO);
          const text = `number ${index}`;
          assert.is(String(await ask({ path: '/echo', method: 'POST', body: text })), text);
        }),
      ),
    );
    const [large, ...echoes] = await within(
      'large bodies',
      Promise.all([
        ask({ path: '/large', method: 'GET' }),
        ...range(8).map(() => ask({ path: '/echo', method: 'POST', body: upload() })),
      ]),
    );
    assert.is(large!.length, LARGE_BYTES);
    for (const echo of echoes) assert.is(sha256(echo), sha256(upload()));
  } finally {
    await pool.close();
  }
}

async function curl(url: string): Promise<void> {
  const ask = (...args: string[]): Promise<Buffer> => run('curl', ['-sS', '--fail', ...args]);
  const type = 'content-type: a/b';
  // Several addresses of one call go over one connection.
  const several = range(50).map(() => `${url}/hello`);
  assert.is(String(await ask(...several)), HELLO.repeat(several.length));
  assert.is(String(await ask('--http1.0', `${url}/hello`)), HELLO);
  // An offer of HTTP/2 over cleartext may be ignored.
  assert.is(String(await ask('--http2', `${url}/hello`)), HELLO);
  assert.match(String(await ask('--head', `${url}/hello`)), /^HTTP\/1\.1 200 OK\r\n/);
  assert.is(String(await ask('--data', 'a=1&b=2', `${url}/echo`)), 'a=1&b=2');
  assert.is((await ask(`${url}/large`)).length, LARGE_BYTES);
  for (const fields of [[], ['-H', 'expect: 100-continue'], ['-H', 'transfer-encoding: chunked']]) {
    const args = ['-sS', '--fail', '-X', 'POST', '-H', type, ...fields, '--data-binary', '@-', `${url}/echo`];
    assert.is(sha256(await run('curl', args, upload())), sha256(upload()), fields.join());
  }
  // Without a length, it sends chunks and waits for 100 Continue.
  const put = await run('curl', ['-sS', '--fail', '-X', 'POST', '-T', '-', `${url}/echo`], upload());
  assert.is(sha256(put), sha256(upload()));
  const missing = await run('curl', ['-sS', '-w', '%{http_code}', `${url}/none`]);
  assert.is(String(missing), 'no /none\n404');
}

async function wrk(url: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-wrk-'));
  const script = join(folder, 'wrk.lua');
  let output: string;
  try {
    writeFileSync(script, WRK_SCRIPT);
    const options = ['-t', '2', '-c', String(CONNECTIONS), '-d', WRK_DURATION, '-s', script, `${url}/hello`];
    output = String(await run('wrk', options));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const [, answers, wrong, errors] = /RESULT (\d+) (\d+) (\d+)/.exec(output) ?? [];
  assert.equal({ wrong, errors }, { wrong: '0', errors: '0' }, output);
  assert.ok(Number(answers) > 0, output);
}

async function browser(url: string): Promise<void> {
  const parts = range(12).map((index) => `part ${index}`);
  await visit(`${url}/page`, (page) => shows(page, '#out', `${parts.join()}; ${LARGE_BYTES}`));
}

const CLIENTS: readonly (readonly [name: string, client: Client, available: boolean])[] = [
  ['autocannon', autocannon, installed('clients') !== undefined],
  ['undici', undici, installed('clients') !== undefined],
  ['curl', curl, has('curl')],
  ['wrk', wrk, has('wrk')],
  ['a browser', browser, true],
];

for (const { name, runtime, file } of KINDS) {
  for (const [client, use, available] of CLIENTS) {
    const title = `${client} and ${name}`;
    if (!available) {
      console.log(`skipped: ${title}: ${installed('clients') === undefined ? HOW_TO_RUN : 'not installed'}`);
      test.skip(title);
    } else {
      test(title, async () => {
        const folder = `${FIXTURES}/programs`;
        await using program = await Program.start(runtime, {
          folder,
          file: `./${file}.js`,
          threads: THREADS,
        });
        await use(program.url);
        const code = await program.stop();
        if (runtime === 'paceline') assert.is(code, 0, program.output);
        assert.equal(program.complaints, []);
      });
    }
  }
}

test.run();
