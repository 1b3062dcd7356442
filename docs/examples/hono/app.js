/**
 * A source browser: shows the files of Hono itself with their syntax highlighted, and a clock that the server sends as
 * server-sent events.
 *
 * Highlighting a file is synchronous and takes up to some tens of milliseconds. The clock has to tick meanwhile: once the server
 * has learned that `GET /files/*` blocks, it runs that handler on threads on which no clock waits.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import hljs from 'highlight.js';
import { Hono } from 'hono';
import { html, raw } from 'hono/html';
import { streamSSE } from 'hono/streaming';

const folder = dirname(fileURLToPath(import.meta.resolve('hono')));
const files = readdirSync(folder).filter((name) => name.endsWith('.js'));

/** The theme that highlight.js brings along. */
const theme = readFileSync(fileURLToPath(import.meta.resolve('highlight.js/styles/github.css')), 'utf8');

const page = (title, content) => html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<style>${raw(theme)}</style>
<h1>${title}</h1>
${content}
</html>`;

const app = new Hono();

app.get('/', (c) =>
  c.html(
    page(
      'The source of Hono',
      html`<p>The server's clock: <output id="clock"></output></p>
<ul>${files.map((name) => html`<li><a href="/files/${name}">${name}</a></li>`)}</ul>
<script>
  new EventSource('/clock').addEventListener('tick', ({ data }) => { document.getElementById('clock').value = data; });
</script>`,
    ),
  ),
);

app.get('/files/:name', (c) => {
  const name = c.req.param('name');
  if (!files.includes(name)) return c.notFound();
  const source = readFileSync(join(folder, name), 'utf8');
  const { value } = hljs.highlight(source, { language: 'javascript' });
  return c.html(page(name, html`<pre><code class="hljs">${raw(value)}</code></pre>`));
});

app.get('/clock', (c) =>
  streamSSE(c, async (stream) => {
    while (!stream.aborted) {
      await stream.writeSSE({ event: 'tick', data: new Date().toISOString() });
      await stream.sleep(200);
    }
  }),
);

export default app;
