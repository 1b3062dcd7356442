import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { findChromium, HOW_TO_GET_CHROMIUM, launchChromium } from '../../support/dashboard/chromium.js';
import { Example, type RunningExample, testOf } from '../../support/examples/example.js';
import { range, until, within } from '../../support/server/wait.js';

const chat = await Example.install('chat');
const check = testOf(chat);
const chromium = findChromium();
if (chromium === undefined) console.log(`skipped: ${HOW_TO_GET_CHROMIUM}`);

const THREADS = 4;
const TOGETHER = 8;
/** Far more than it takes until a second thread has one. */
const MAX_VISITORS = 400;

interface Message {
  readonly text: string;
  readonly thread: number;
}

/** A visitor, with what they have seen so far. */
class Visitor {
  readonly seen: Message[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => this.seen.push(JSON.parse(`${data}`)));
  }

  static async join({ port }: RunningExample): Promise<Visitor> {
    const visitor = new Visitor(new WebSocket(`ws://127.0.0.1:${port}/chat`));
    await within('the connection', once(visitor.socket, 'open'));
    return visitor;
  }

  /** Says something, and resolves with the number of the thread that serves this visitor. */
  async thread(): Promise<number> {
    const text = `I am ${crypto.randomUUID()}`;
    this.socket.send(text);
    await this.sees(text);
    return this.seen.find((message) => message.text === text)!.thread;
  }

  sees(text: string): Promise<void> {
    return until(`"${text}" is seen`, () => this.seen.some((message) => message.text === text));
  }
}

/** Lets visitors join until several threads serve them. */
async function visitorsOfSeveralThreads(running: RunningExample): Promise<Visitor[]> {
  const visitors: Visitor[] = [];
  const threads = new Set<number>();
  while (threads.size < 2) {
    assert.ok(visitors.length < MAX_VISITORS, 'one thread serves all visitors');
    // Upgrades that arrive together are processed by several threads, if not by all.
    const joined = await Promise.all(range(TOGETHER).map(() => Visitor.join(running)));
    visitors.push(...joined);
    for (const visitor of joined) threads.add(await visitor.thread());
  }
  return visitors;
}

check('what one visitor says all see, in whichever thread they are', async () => {
  await using running = await chat!.start('server.js', THREADS);
  const visitors = await visitorsOfSeveralThreads(running);
  for (const [number, { socket }] of visitors.entries()) socket.send(`hello ${number}`);
  for (const visitor of visitors) {
    for (const number of visitors.keys()) await visitor.sees(`hello ${number}`);
    const hellos = visitor.seen.filter(({ text }) => /^hello/.test(text));
    assert.is(hellos.length, visitors.length, 'each once');
  }
  for (const { socket } of visitors) socket.close();
});

check('binary and too long messages end their visitor’s connection only', async () => {
  await using running = await chat!.start('server.js', THREADS);
  const [stays, binary, long] = await Promise.all(range(3).map(() => Visitor.join(running)));
  binary!.socket.send(Buffer.from('bytes'));
  assert.is((await within('the end', once(binary!.socket, 'close')))[0], 1003);
  long!.socket.send('x'.repeat(5000));
  assert.is((await within('the end', once(long!.socket, 'close')))[0], 1009);
  assert.ok((await stays!.thread()) >= 0);
  stays!.socket.close();
});

(chromium === undefined ? test.skip : check)('two browsers talk to each other', async () => {
  await using running = await chat!.start('server.js', THREADS);
  const browser = await launchChromium(chromium!);
  try {
    const pages = [await browser.newPage(), await browser.newPage()];
    const complaints: string[] = [];
    for (const page of pages) {
      page.on('pageerror', (error) => complaints.push(`${error.stack}`));
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(running.url);
      await page.waitForSelector('input:enabled');
    }
    const sayings = ['Hello!', '<b>bold</b>'];
    for (const [number, page] of pages.entries()) {
      await page.fill('input', sayings[number]!);
      await page.click('button');
      for (const other of pages) await other.waitForSelector(`li:nth-child(${number + 1})`);
    }
    for (const page of pages) {
      const items = await page.locator('li').allTextContents();
      assert.equal(
        items.map((item) => item.replace(/ \(from thread \d+\)$/, '')),
        sayings,
      );
    }
    assert.equal(complaints, []);
  } finally {
    await browser.close();
  }
});

test.run();
