/**
 * A developer at work: an app runs by `paceline dev`, clients request its page all the time, and one of its modules is saved again and
 * again, in each of the ways in which editors save, once with a mistake in it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, Load, request } from './load.js';
import { descendantsOf, isAlive } from './processes.js';

const MAIN = 'dist/lib/cli/main.js';
const APP = `import { page } from './page.js';
export default { fetch: () => new Response(page, { headers: { 'content-type': 'text/html' } }) };
`;
const BROKEN = "export const page = 'never closed;\n";
const END_MS = 20_000;

export interface Edits {
  /** How often the module is saved. */
  readonly count: number;
  /** The number of the save that has a mistake, from 1; 0 for none. */
  readonly broken: number;
  /** Clients beside the one that looks at the page after each save. */
  readonly clients: number;
  /** Groups of the server. Default: 1 */
  readonly groups?: number;
  /** What to run. Default: this Node.js */
  readonly node?: string;
}

export interface Outcome {
  /** The answers to the first request after each save has been seen. */
  readonly pages: readonly Answer[];
  /** Answers that the load's clients got, by their status; `failed` for none. */
  readonly answers: ReadonlyMap<number | 'failed', number>;
  /** What went wrong for them. */
  readonly failures: readonly string[];
  readonly exit: readonly [code: number | null, signal: NodeJS.Signals | null];
  /** Sockets, pipes and inotify instances of the supervisor after the first start, and after the last save. */
  readonly descriptors: readonly [before: number, after: number];
  /** Processes beside the supervisor and one child after the last save, and all that are left after the end. */
  readonly processes: readonly [during: number, after: number];
  readonly output: string;
}

/** Saves in the ways of editors: in place, emptied and written, and by a new file that takes the name. */
const SAVES: readonly ((path: string, text: string) => void)[] = [
  (path, text) => writeFileSync(path, text),
  (path, text) => {
    writeFileSync(path, '');
    writeFileSync(path, text);
  },
  (path, text) => {
    writeFileSync(`${path}~`, text);
    renameSync(`${path}~`, path);
  },
];

/** @throws what a client of the developer's throws, or if the supervisor ends by itself */
export async function editUnderLoad({
  count,
  broken,
  clients,
  groups = 1,
  node = process.execPath,
}: Edits): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-dev-'));
  const path = join(folder, 'page.js');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'app.js'), APP);
  writeFileSync(path, moduleOf(0));
  const dev = new Development(node, join(folder, 'app.js'), groups);
  const pages: Answer[] = [];
  try {
    const [, url] = await dev.printed(/^paceline: listening on (\S+)\n/m);
    const before = dev.descriptors();
    const load = new Load(url!, clients);
    for (let edit = 1; edit <= count; edit++) {
      const seen = dev.next(/ changed: /);
      SAVES[edit % SAVES.length]!(path, edit === broken ? BROKEN : moduleOf(edit));
      await seen;
      pages.push(await request(url!, { accept: 'text/html' }));
    }
    const { answers, failures } = await load.end();
    await dev.settled();
    const after = dev.descriptors();
    const during = dev.descendants().length - 1;
    const family = dev.descendants();
    dev.process.kill('SIGTERM');
    const exit = await dev.ended;
    const left = family.filter(isAlive).length;
    return {
      pages,
      answers,
      failures,
      exit,
      descriptors: [before, after],
      processes: [during, left],
      output: dev.output,
    };
  } finally {
    dev.process.kill('SIGKILL');
    await dev.ended;
    rmSync(folder, { recursive: true });
  }
}

export const pageOf = (edit: number): string => `<p>version ${edit}</p>`;
const moduleOf = (edit: number): string => `export const page = '${pageOf(edit)}';\n`;

/** The supervisor's process. */
class Development {
  output = '';
  readonly process: ChildProcess;
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(node: string, app: string, groups: number) {
    const line = [
      MAIN,
      'dev',
      app,
      '--port',
      '0',
      '--dashboard',
      'off',
      '--threads',
      '2',
      '--groups',
      String(groups),
      '--log-format',
      'json',
    ];
    this.process = spawn(node, line, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = once(this.process, 'close') as typeof this.ended;
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      // One listener for each text that is waited for.
      stream.setMaxListeners(0);
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#found(pattern, 0);
  }

  /** What is printed from now on. */
  next(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#found(pattern, this.output.length);
  }

  #found(pattern: RegExp, from: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.output.slice(from));
        if (match !== null) resolve(match);
      };
      look();
      this.process.stdout!.on('data', look);
      this.process.stderr!.on('data', look);
      void this.ended.then(() => reject(new Error(`it ended without ${pattern}: ${this.output}`)));
    });
  }

  /** Resolves once the earlier children have ended. */
  async settled(): Promise<void> {
    const end = performance.now() + END_MS;
    while (this.descendants().length > 1 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  descriptors(): number {
    const folder = `/proc/${this.process.pid}/fd`;
    const links = readdirSync(folder).map((fd) => {
      try {
        return readlinkSync(join(folder, fd));
      } catch {
        return '';
      }
    });
    return links.filter((link) => /^(socket|pipe|anon_inode:inotify)/.test(link)).length;
  }

  /** Processes that it has started, and those that these have. */
  descendants(): number[] {
    return descendantsOf(this.process.pid!);
  }
}
