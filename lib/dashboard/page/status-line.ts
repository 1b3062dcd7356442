/**
 * The state of the connection: a word in the page's header, and a banner with a sentence if it is not live. It says nothing
 * about the server's health, so while all is well it has no colour. After a restart another banner names the new process.
 */
import type { Hello } from '../protocol.js';
import type { Status } from './connection.js';
import { byId, make, setAttribute, setText } from './dom.js';
import { clock, duration } from './format.js';

const NO_TOKEN =
  'The address has no token. Open the one that the server printed when it started: it ends in # and a long word.';

export class StatusLine {
  readonly #status = byId('status');
  readonly #text = byId('status-text');
  readonly #banner = byId('lost');
  readonly #bannerText = byId('lost-text');
  readonly #bannerFor = byId('lost-for');
  readonly #anew = byId('anew');
  #shown: Status = { kind: 'connecting' };
  #process = '';
  #lostTimer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    byId('anew-close').addEventListener('click', () => {
      this.#anew.hidden = true;
    });
  }

  show(status: Status): void {
    this.#shown = status;
    clearInterval(this.#lostTimer);
    if (status.kind === 'lost') this.#lostTimer = setInterval(() => this.#write(), 1000);
    this.#write();
  }

  /** Shows which server this is. @param anew whether it is another process than the one that the page has shown before */
  introduce(hello: Hello, anew: boolean): void {
    const process = `pid ${hello.pid} since ${clock(hello.startedAt)}`;
    if (anew && this.#process !== '') {
      setText(
        byId('anew-text'),
        `A new process serves: ${process}; before it ${this.#process}, of which nothing is shown any more.`,
      );
      this.#anew.hidden = false;
    }
    this.#process = process;
    const link = make('a', '', hello.url);
    // The URL comes from the server, but the page still checks what it links to.
    if (/^https?:\/\//.test(hello.url)) {
      link.href = hello.url;
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
    }
    const { name, title, summary, source, promotes } = hello.strategy;
    const strategy = make('span', 'fact', name);
    strategy.title = `${title}: ${summary} (${source})`;
    const facts = [
      strategy,
      ...[
        `${hello.threads} thread${hello.threads === 1 && !promotes ? '' : 's'}${hello.groups === 1 ? '' : ` in ${hello.groups} groups`}`,
        `Node.js ${hello.node.replace(/^v/, '')}`,
        process,
      ].map((fact) => make('span', 'fact', fact)),
    ];
    byId('meta').replaceChildren(
      make('strong', '', hello.app),
      ' at ',
      link,
      ...facts.flatMap((fact) => [make('wbr'), fact]),
    );
  }

  #write(): void {
    const status = this.#shown;
    setAttribute(this.#status, 'data-kind', status.kind);
    let sentence = '';
    let lostFor = '';
    switch (status.kind) {
      case 'no-token':
        setText(this.#text, 'No token');
        sentence = NO_TOKEN;
        break;
      case 'connecting':
        setText(this.#text, 'Connecting …');
        break;
      case 'live':
        setText(this.#text, 'Connected');
        break;
      case 'lost': {
        setText(this.#text, 'Lost, trying again');
        const lostMs = Date.now() - status.since;
        // Separate from the sentence, which a screen reader would otherwise repeat every second.
        if (lostMs >= 1000) lostFor = `That was ${duration(lostMs)} ago.`;
        sentence = `${status.why} This page tries again by itself; what you see is the last that came.`;
        break;
      }
      case 'refused':
        setText(this.#text, 'Refused');
        sentence = status.why;
        break;
    }
    setText(this.#bannerText, sentence);
    setText(this.#bannerFor, lostFor);
    this.#banner.hidden = sentence === '';
    // That process serves no more, as far as the page knows.
    if (sentence !== '') this.#anew.hidden = true;
  }
}
