/** The page at / of the demo app. It loads nothing from elsewhere, and all but the experiment works without script. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Paceline</title>
<link rel="icon" href="data:,">
<style>
:root {
  --ground: #fbfaf7; --card: #fff; --ink: #22261f; --soft: #5f665a; --line: #e2e0d6; --accent: #1d6b4f;
  --on-accent: #fff; --rider: #b9beb1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1c2125; --ink: #e6e8e3; --soft: #9ca59b; --line: #2d3439; --accent: #62c79b;
    --on-accent: #10211a; --rider: #4a545a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1.05rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.25rem 4rem; }
h1 { font-size: 2.6rem; line-height: 1.1; letter-spacing: -.02em; margin: 1rem 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; }
p { margin: .5rem 0 1rem; }
.lead { font-size: 1.2rem; color: var(--soft); }
a { color: var(--accent); text-underline-offset: .2em; }
code, output { font: .92em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem;
  overflow-x: auto;
}
.riders circle { fill: var(--rider); }
.riders .leader { fill: var(--accent); }
.riders path { stroke: var(--accent); fill: none; stroke-width: 2; stroke-dasharray: 4 4; }
dl { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; margin: 1rem 0; }
dl div { display: grid; grid-template-columns: 10rem 1fr; gap: 1rem; padding: .65rem 1.1rem; }
dl div + div { border-top: 1px solid var(--line); }
dd { margin: 0; color: var(--soft); }
@media (max-width: 34rem) { dl div { grid-template-columns: 1fr; gap: 0; } }
button {
  font: inherit; font-weight: 600; border: 0; border-radius: .6rem; padding: .55rem 1.1rem; cursor: pointer;
  background: var(--accent); color: var(--on-accent);
}
button:disabled { opacity: .55; cursor: progress; }
button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
output { display: block; margin-top: .8rem; min-height: 3em; color: var(--soft); }
</style>
</head>
<body>
<main>
<svg class="riders" width="190" height="44" viewBox="0 0 190 44" role="img"
  aria-label="Four riders in a line; the one in front peels off to the back">
  <path d="M172 22 C 160 -2, 40 -2, 22 20"/>
  <circle cx="22" cy="32" r="9"/><circle cx="72" cy="32" r="9"/><circle cx="122" cy="32" r="9"/>
  <circle class="leader" cx="172" cy="32" r="9"/>
</svg>
<h1>Paceline</h1>
<p class="lead">A server for Node.js in which any free thread takes the next ready request.</p>

<p>In a line of cyclists the one in front takes the wind, peels off, and the next one leads. The threads of this
server do the same: the leader waits on the sockets of all connections; when a request arrives, it
makes another thread the leader and processes the request itself. This is the Leader/Followers pattern.</p>
<p>Elsewhere in Node a connection belongs to one event loop for life, so a handler that blocks holds up every
connection that shares its loop. Here a blocked thread is one thread fewer, and the requests go to the others.</p>

<h2>See for yourself</h2>
<p>This blocks two threads for a second each, and says hello all the while.</p>
<button id="run" type="button">Block two threads</button>
<output id="result" for="run"></output>
<noscript><p>The experiment needs JavaScript; the links below do not.</p></noscript>

<h2>What answers here</h2>
<dl>
  <div><dt><a href="/hello"><code>/hello</code></a></dt><dd>The shortest way through the server.</dd></div>
  <div><dt><a href="/thread"><code>/thread</code></a></dt><dd>The number of the thread that answered, as JSON.
    Reload a few times.</dd></div>
  <div><dt><a href="/spin?ms=20"><code>/spin?ms=20</code></a></dt><dd>Burns CPU for 20 ms, as rendering or hashing
    does.</dd></div>
  <div><dt><a href="/block?ms=20"><code>/block?ms=20</code></a></dt><dd>Blocks its thread for 20 ms without CPU, as
    a synchronous database call does.</dd></div>
  <div><dt><a href="/sleep?ms=5"><code>/sleep?ms=5</code></a></dt><dd>Awaits a timer of 5 ms. Its thread is free
    meanwhile.</dd></div>
  <div><dt><code>POST /echo</code></dt><dd>Sends the body back, with its content type.</dd></div>
</dl>
<p><code>ms</code> may be anything from 0 to 10000.</p>

<h2>Your own app</h2>
<p>A module whose default export has a <code>fetch</code> function. Every thread loads it.</p>
<pre><code>// app.js
export default {
  fetch(request, context) {
    return new Response(\`hello from thread \${context.thread}\\n\`);
  },
};</code></pre>
<pre><code>paceline app.js --port 3000</code></pre>

<h2>Beside other models</h2>
<p>Leader/Followers is one of several ways to serve. This runs two of them side by side, under the same load, and shows what one
slow handler costs each:</p>
<pre><code>paceline compare --strategy leader-followers,reactor</code></pre>
</main>
<script>
const button = document.getElementById('run');
const result = document.getElementById('result');
button.addEventListener('click', async () => {
  button.disabled = true;
  result.textContent = 'Blocking …';
  try {
    let blocked = 2;
    const get = (path) => fetch(path, { cache: 'no-store' }).then((response) => response.text());
    // Different addresses, because browsers queue equal ones behind each other.
    const blocking = [1, 2].map((number) => get('/block?ms=1000&number=' + number).finally(() => { blocked--; }));
    const took = [];
    while (blocked === 2) {
      const start = performance.now();
      await get('/hello');
      if (blocked === 2) took.push(performance.now() - start);
    }
    await Promise.all(blocking);
    took.sort((a, b) => a - b);
    const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))].toFixed(1) + ' ms';
    result.textContent = took.length === 0
      ? 'No hello came back meanwhile. Are there more than two threads?'
      : took.length + ' hellos meanwhile: half within ' + at(.5) + ', 99 % within ' + at(.99) + ', the slowest ' + at(1) + '.';
  } catch (error) {
    result.textContent = 'The server did not answer: ' + error.message;
  } finally {
    button.disabled = false;
  }
});
</script>
</body>
</html>
`;
