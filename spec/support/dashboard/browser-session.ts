/** The dashboard's page in a real browser: reads what it shows, waits for it, and collects the errors that it reports. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { WATCHDOG_MS } from '../server/wait.js';

/** Between two polls of the page; not a bound on anything. */
const POLL_MS = 20;
/** The default viewport: as wide as a small screen. */
const VIEWPORT = { width: 1280, height: 900 };

/**
 * Runs in the page before its own scripts. `seen` records what cannot be read afterwards: all kinds of connection state that
 * #status showed, the websockets, the number of frames received, and how often the lanes were drawn.
 */
const RECORDER = `
  const seen = { kinds: [], sockets: [], frames: 0, draws: 0 };
  const note = () => {
    const kind = document.getElementById('status')?.dataset.kind;
    if (kind !== undefined && kind !== seen.kinds.at(-1)) seen.kinds.push(kind);
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, attributeFilter: ['data-kind'] });
  window.WebSocket = class extends WebSocket {
    constructor(...parts) {
      super(...parts);
      seen.sockets.push(this);
      this.addEventListener('message', ({ data }) => { if (data.startsWith('{"type":"frame"')) seen.frames++; });
    }
  };
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...parts) {
    if (this.canvas.id === 'lanes-canvas') seen.draws++;
    return clearRect.apply(this, parts);
  };
  window.seen = seen;
`;

/** What Chromium itself reports of a websocket or request that fails. No page can prevent it. */
const OF_LOST_CONNECTIONS = /WebSocket connection to .* failed|Failed to load resource/;

export class BrowserSession implements AsyncDisposable {
  /** Errors and warnings that the page reported, and violations of its Content-Security-Policy. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;

  private constructor(
    context: BrowserContext,
    readonly page: Page,
    mayLoseConnections: boolean,
  ) {
    this.#context = context;
    page.on('pageerror', (error) => this.complaints.push(String(error.stack)));
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      if (mayLoseConnections && OF_LOST_CONNECTIONS.test(message.text())) return;
      this.complaints.push(message.text());
    });
  }

  /** Opens a URL. @param mayLoseConnections whether to ignore reports of failed connections */
  static async open(
    browser: Browser,
    url: string,
    { mayLoseConnections = false, ...options }: BrowserContextOptions & { mayLoseConnections?: boolean } = {},
  ): Promise<BrowserSession> {
    const context = await browser.newContext({ viewport: VIEWPORT, ...options });
    await context.addInitScript(RECORDER);
    const session = new BrowserSession(context, await context.newPage(), mayLoseConnections);
    session.page.setDefaultTimeout(WATCHDOG_MS);
    await session.page.goto(url);
    return session;
  }

  /** The value of an expression in the page. */
  is<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  /** Resolves with the value of an expression in the page once `condition` holds for it. */
  async until<T>(what: string, expression: string, condition: (value: T) => unknown = Boolean): Promise<T> {
    const endMs = performance.now() + WATCHDOG_MS;
    for (;;) {
      const value = await this.is<T>(expression);
      if (condition(value)) return value;
      if (performance.now() > endMs)
        throw new Error(`waited in vain until ${what}; last it was ${JSON.stringify(value)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  text(selector: string): Promise<string> {
    return this.is(`document.querySelector(${JSON.stringify(selector)}).textContent`);
  }

  texts(selector: string): Promise<string[]> {
    return this.is(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.textContent)`,
    );
  }

  attribute(selector: string, name: string): Promise<string | null> {
    return this.page.locator(selector).getAttribute(name);
  }

  /** Resolves with an element's text once it matches. */
  says(selector: string, pattern: RegExp): Promise<string> {
    return this.until(
      `${selector} says ${pattern}`,
      `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`,
      (text: string) => pattern.test(text),
    );
  }

  /** Resolves once #status shows this state of the connection. */
  async status(kind: string): Promise<void> {
    await this.until(
      `the status is ${kind}`,
      `document.getElementById('status').dataset.kind`,
      (now) => now === kind,
    );
  }

  /** Resolves once this many more frames have been received. */
  async frames(count: number): Promise<void> {
    const before = await this.is<number>('seen.frames');
    await this.until(`${count} frames come`, 'seen.frames', (now: number) => now >= before + count);
  }

  /** The time of the newest frame, by the server's clock. */
  newest(): Promise<number> {
    return this.is(`Number(document.getElementById('scrub').max)`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
