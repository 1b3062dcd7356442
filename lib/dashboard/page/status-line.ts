/** The state of the connection: a word in the page's header, and a banner with a sentence if it is not live. */
import type { Hello } from '../protocol.js';
import type { Status } from './connection.js';
import { byId, make, setAttribute, setText } from './dom.js';
import { duration } from './format.js';

const NO_TOKEN =
  'The address has no token. Open the one that the server printed when it started: it ends in # and a long word.';

export class StatusLine {
  readonly #status = byId('status');
  readonly #text = byId('status-text');
  readonly #banner = byId('lost');
  readonly #bannerText = byId('lost-text');
  readonly #bannerFor = byId('lost-for');
  #shown: Status = { kind: 'connecting' };
  #lostTimer: ReturnType<typeof setInterval> | undefined;

  show(status: Status): void {
    this.#shown = status;
    clearInterval(this.#lostTimer);
    if (status.kind === 'lost') this.#lostTimer = setInterval(() => this.#write(), 1000);
    this.#write();
  }

  /** Shows which server this is. */
  introduce(hello: Hello): void {
    const link = make('a', '', hello.url);
    // The URL comes from the server, but the page still checks what it links to.
    if (/^https?:\/\//.test(hello.url)) {
      link.href = hello.url;
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
    }
    const facts = [
      hello.strategy,
      `${hello.threads} threads`,
      `Node.js ${hello.node.replace(/^v/, '')}`,
      `pid ${hello.pid}`,
    ];
    byId('meta').replaceChildren(
      make('strong', '', hello.app),
      ' at ',
      link,
      ...facts.map((fact) => make('span', 'fact', fact)),
    );
    document.title = `${hello.app} · Paceline`;
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
  }
}
