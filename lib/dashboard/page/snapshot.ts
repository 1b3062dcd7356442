/**
 * Saves what the page shows as one HTML file that needs neither script nor server. The page's nodes are cloned and serialized,
 * which escapes all text from the server.
 */
import { byId, darkScheme, make, saveFile, setText } from './dom.js';
import { clockWithMillis } from './format.js';

export interface Picture {
  readonly title: string;
  readonly canvas: HTMLCanvasElement;
  /** The legend of the picture. */
  readonly legend: HTMLElement;
}

/** The selectors of the parts that are saved. */
const HEADLINE = ['.headline', '#warnings'];
const PARTS = ['#threads-card', '#routes-card', '#room-card', '#traffic-card'];
/** Elements that do nothing without scripts, and are left out. */
const IDLE = '.idle, .fold, #verdict-said';

export function saveSnapshot(at: number, lanes: Picture, charts: readonly Picture[]): void {
  const name = `paceline-${new Date(at).toISOString().replace(/[:.]/g, '-')}.html`;
  saveFile(new Blob([snapshot(at, lanes, charts)], { type: 'text/html' }), name);
  setText(byId('snapshot-text'), `Saved as ${name}.`);
}

function snapshot(at: number, lanes: Picture, charts: readonly Picture[]): string {
  const head = make('header', 'top', make('h1', '', 'Paceline'), copy(byId('meta')));
  const when = make(
    'p',
    'soft',
    `${new Date(at).toDateString()}, ${clockWithMillis(at)} (${new Date(at).toISOString()})`,
  );
  const main = make(
    'main',
    '',
    when,
    ...HEADLINE.map((selector) => copy(document.querySelector<HTMLElement>(selector)!)),
    make('section', 'card', make('h2', '', lanes.title), picture(lanes)),
    ...PARTS.map((selector) => copy(document.querySelector<HTMLElement>(selector)!)),
    make(
      'section',
      'charts',
      ...charts.map((chart) =>
        make('figure', 'card chart', make('figcaption', '', chart.title), picture(chart)),
      ),
    ),
  );
  // The pictures have the current colours, so the rest keeps them too.
  const scheme = darkScheme.matches ? 'dark' : 'light';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>Paceline, ${new Date(at).toISOString()}</title>
<style>${styles()}
:root { color-scheme: ${scheme}; ${variables()} }
.snapshot .uplot { width: auto; }
.snapshot main img { display: block; width: 100%; height: auto; }
</style></head>
<body class="snapshot">${head.outerHTML}${main.outerHTML}</body></html>
`;
}

function copy(element: HTMLElement): HTMLElement {
  const clone = element.cloneNode(true) as HTMLElement;
  for (const idle of clone.querySelectorAll(IDLE)) idle.remove();
  for (const button of clone.querySelectorAll('button')) button.replaceWith(...button.childNodes);
  for (const own of [clone, ...clone.querySelectorAll('[tabindex], [role="status"]')]) {
    own.removeAttribute('tabindex');
    own.removeAttribute('role');
  }
  return clone;
}

function picture({ title, canvas, legend }: Picture): DocumentFragment {
  const image = make('img');
  image.src = canvas.toDataURL('image/png');
  image.alt = canvas.getAttribute('aria-label') ?? title;
  const both = document.createDocumentFragment();
  both.append(image, make('div', 'uplot legend', copy(legend)));
  return both;
}

function styles(): string {
  const rules = [...document.styleSheets].flatMap(({ cssRules }) => [...cssRules]);
  return rules.map(({ cssText }) => cssText).join('\n');
}

/** The current values of the style sheet's colours, from the light or the dark scheme. */
function variables(): string {
  const style = getComputedStyle(document.documentElement);
  const names = new Set(styles().match(/--[a-z0-9-]+(?=:)/g));
  return [...names]
    .map((name) => [name, style.getPropertyValue(name).trim()])
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value};`)
    .join(' ');
}
