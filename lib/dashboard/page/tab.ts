/** The browser's tab: its title and icon show the newest verdict, also while the page is paused or behind other tabs. */
import type { Hello, Verdict } from '../protocol.js';

type Sign = Verdict['level'] | 'lost';

const COLOURS: Readonly<Record<Sign, string>> = {
  healthy: '#009e73',
  degraded: '#e69f00',
  outage: '#c8371b',
  lost: '#8b9186',
};
const WORDS: Readonly<Record<Sign, string>> = {
  healthy: '',
  degraded: 'Degraded · ',
  outage: 'Outage · ',
  lost: 'Lost · ',
};

export class Tab {
  readonly #icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')!;
  #app = '';
  #sign: Sign | null = null;

  introduce({ app }: Hello): void {
    this.#app = app;
    this.#write();
  }

  show(sign: Sign): void {
    if (sign === this.#sign) return;
    this.#sign = sign;
    this.#icon.href = this.#icon.href.replace(
      /%23[0-9a-f]{6}(?='\/%3E%3C\/svg)/,
      `%23${COLOURS[sign].slice(1)}`,
    );
    this.#write();
  }

  #write(): void {
    const app = this.#app === '' ? '' : `${this.#app} · `;
    document.title = `${WORDS[this.#sign ?? 'healthy']}${app}Paceline`;
  }
}
