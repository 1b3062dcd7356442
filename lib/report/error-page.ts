/** An error as the body of a response, for whoever develops an app: a page in a browser, else text or JSON. */
import { type ErrorRecord, NON_ERROR } from './error-record.js';
import { headline, renderError, visible } from './render-error.js';

/** Where a page asks whether the app is still the same version. */
export const VERSION_PATH = '/.paceline/dev-version';

/** How often it asks, in milliseconds. */
const ASK_MS = 500;

export interface ErrorPage {
  /** The value of content-type. */
  readonly type: string;
  readonly body: string;
}

export interface ErrorPageOptions {
  /** What has failed, in a few words. */
  readonly title: string;
  /** The request's Accept field. */
  readonly accept: string | null | undefined;
  /** What VERSION_PATH answers until the app is another version. The page loads itself again when it answers anything else. */
  readonly version: string;
}

/** The body in the media type that the request prefers (RFC 9110, 12.5.1): HTML or JSON where it names them, text otherwise. */
export function errorPage(error: ErrorRecord, { title, accept, version }: ErrorPageOptions): ErrorPage {
  const wanted = accept ?? '';
  if (/\btext\/html\b/i.test(wanted))
    return { type: 'text/html; charset=utf-8', body: html(error, title, version) };
  if (/\bapplication\/(?:\S+\+)?json\b/i.test(wanted))
    return { type: 'application/json', body: `${JSON.stringify({ title, error })}\n` };
  return { type: 'text/plain; charset=utf-8', body: text(error, title) };
}

function text(error: ErrorRecord, title: string): string {
  const place = error.location ? ` (${visible(placeText(error.location))})` : '';
  return `${title}${place}\n\n${renderError(error)}\n`;
}

const placeText = ({ file, line, column }: NonNullable<ErrorRecord['location']>): string =>
  `${file}:${line}:${column}`;

const STYLE = `
:root { color-scheme: light dark; --red: light-dark(#b3261e, #ff8a80); --dim: light-dark(#666, #999); --box: light-dark(#f4f4f4, #232323); }
body { margin: 0 auto; padding: 2rem 1rem; max-width: 60rem; font: 16px/1.5 system-ui, sans-serif; }
header { color: var(--dim); }
h1 { color: var(--red); font-size: 1.25rem; overflow-wrap: anywhere; white-space: pre-wrap; }
pre { background: var(--box); padding: 0.75rem 1rem; overflow-x: auto; font: 14px/1.45 ui-monospace, monospace; }
pre b { color: var(--red); font-weight: inherit; }
footer { color: var(--dim); }
`;

/** Asks until the answer is another one, as is a redirection of any origin. While nothing answers, the next version is not there yet. */
const SCRIPT = (version: string): string => `
(async () => {
  for (;;) {
    await new Promise((done) => setTimeout(done, ${ASK_MS}));
    if (document.hidden) continue;
    const answer = await fetch(${scriptText(VERSION_PATH)}, { cache: 'no-store', redirect: 'manual' }).then((response) => response.text(), () => null);
    if (answer !== null && answer !== ${scriptText(version)}) return location.reload();
  }
})();
`;

function html(error: ErrorRecord, title: string, version: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(`${title}: ${headline(error)}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>paceline dev: ${escapeHtml(title)}</header>
<main>
<h1>${escapeHtml(headline(error))}</h1>
${parts(error)}
</main>
<footer>This page loads itself again when a file of the app is saved.</footer>
<script>${SCRIPT(version)}</script>
</body>
</html>
`;
}

function parts({ location, frame, stack, cause, errors = [] }: ErrorRecord): string {
  const others = [...(cause === undefined ? [] : [cause]), ...errors].filter(
    ({ name, message }) => name !== NON_ERROR || message !== '',
  );
  return [
    location && `<p>${escapeHtml(placeText(location))}</p>`,
    frame && `<pre>${frame.split('\n').map(frameLine).join('\n')}</pre>`,
    stack && `<pre>${escapeHtml(stack)}</pre>`,
    ...others.map((other) => `<pre>${escapeHtml(renderError(other))}</pre>`),
  ]
    .filter((part) => part !== undefined)
    .join('\n');
}

function frameLine(line: string): string {
  const text = escapeHtml(line);
  return line.startsWith('>') || /^ +\| +\^$/.test(line) ? `<b>${text}</b>` : text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text in HTML, its control characters escaped as in JavaScript. */
const escapeHtml = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);

/** A string literal that cannot end the script element. */
const scriptText = (text: string): string => JSON.stringify(text).replaceAll('<', '\\u003c');
