/** `paceline compare`: serves the page of a comparison until a signal, or prints the figures and ends. */
import { setTimeout as delay } from 'node:timers/promises';
import { Comparison } from '../compare/comparison.js';
import { PageServer } from '../compare/page-server.js';
import type { FiguresMessage } from '../compare/protocol.js';
import { threadCount } from '../compare/rows.js';
import { PacelineError } from '../errors.js';
import type { CompareOptions } from './command.js';
import { figuresAsJson, figuresAsTable } from './compare-figures.js';

const COMPARED = new URL('./compared.js', import.meta.url);
const DEFAULT_PORT = 9070;
const DEFAULT_SECONDS = 10;
/** How far back the figures of the page reach. */
const WINDOW_MS = 10_000;
/** What pages say when a signal has come. */
const STOPPED = 'the command was stopped';
/** Before the figures count: until caches are warm and code is compiled. */
const WARM_UP_MS = 2000;

/**
 * Runs until a signal, until a server ends, or until the figures are printed.
 *
 * @returns the exit code
 * @throws PacelineError `PACELINE_STATE` when a server does not start, or ends
 */
export async function runComparison(options: CompareOptions): Promise<number> {
  const { servers, app, mixes, mix, rate, turns } = options;
  const seconds = secondsOf(options);
  const load = { mix, rate, turns, running: true };
  const windowMs = seconds === null ? WINDOW_MS : Number.POSITIVE_INFINITY;
  const signalled = firstSignal();
  const say = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const starting = Comparison.start({ servers, app, mixes, load, windowMs }, COMPARED, say);
  const comparison = await Promise.race([starting, signalled]);
  // Its children end with this process.
  if (comparison === 'signal') return 0;
  const brokenBy = comparison.brokenBy();
  const broken = brokenBy.then((why) => {
    throw new PacelineError('PACELINE_STATE', why);
  });
  const ended = Promise.race([brokenBy, signalled.then(() => STOPPED)]);
  try {
    const work =
      seconds === null ? servePage(comparison, options, ended) : print(comparison, options, seconds);
    await Promise.race([work, broken, signalled]);
  } finally {
    broken.catch(() => {});
    await comparison.end();
  }
  return 0;
}

/** How long to measure; null to serve the page. Without a terminal nobody sees where it is, unless its port is given. */
function secondsOf({ seconds, json, port }: CompareOptions): number | null {
  const isUnseen = !process.stdout.isTTY && port === undefined;
  return seconds ?? (json || isUnseen ? DEFAULT_SECONDS : null);
}

async function servePage(
  comparison: Comparison,
  { port, mix, rate, turns }: CompareOptions,
  ended: Promise<string>,
): Promise<void> {
  const page = await listen(port, (where) =>
    PageServer.listen(where, comparison, { mix, rate, turns, running: true }),
  );
  for (const { name, url, threads } of comparison.models) {
    process.stdout.write(`paceline: ${name}, ${threadCount(threads)}, on ${url}\n`);
  }
  process.stdout.write(`paceline: comparison at ${page.url}\n`);
  await page.close(await ended);
}

/** Falls back to any free port for the default one only. */
async function listen(
  port: number | undefined,
  open: (port: number) => Promise<PageServer>,
): Promise<PageServer> {
  try {
    return await open(port ?? DEFAULT_PORT);
  } catch (error) {
    const isTaken = error instanceof PacelineError && error.code === 'PACELINE_ADDRESS_IN_USE';
    if (port !== undefined || !isTaken) throw error;
    return open(0);
  }
}

async function print(comparison: Comparison, options: CompareOptions, seconds: number): Promise<void> {
  const { mix, rate, turns, json } = options;
  comparison.set({ mix, rate, turns, running: true });
  await delay(WARM_UP_MS);
  comparison.set({});
  const figures = await new Promise<FiguresMessage>((resolve) => {
    comparison.listen((message) => {
      if (message.type === 'figures' && message.overMs >= seconds * 1000) resolve(message);
    });
  });
  const text = json
    ? figuresAsJson(comparison.hello(), figures)
    : figuresAsTable(comparison.hello(), figures);
  process.stdout.write(text);
}

/** Resolves with the first SIGTERM or SIGINT; the second ends the process at once, and with it its children. */
function firstSignal(): Promise<'signal'> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve('signal');
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}
