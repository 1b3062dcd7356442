/**
 * Large content streams through the server in bounded memory. FLOW_MIB sets another size.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { download, ServerProcess, upload } from '../../support/http/flow.js';

const MIB = 1024 * 1024;
const SIZE_MIB = Number(process.env.FLOW_MIB ?? 1024);
/** How much the server may grow: a few buffers for each thread, and chunks that are not collected yet. */
const GROWTH_MIB = 64;
/** Code is compiled and heaps have grown to their usual size after this much. */
const WARM_UP_MIB = 32;

type Flow = (server: ServerProcess, bytes: number) => Promise<void>;

async function uploads(server: ServerProcess, bytes: number, chunked: boolean): Promise<void> {
  assert.is((await upload(server, bytes, chunked)).bytes, bytes);
}

async function downloads(server: ServerProcess, bytes: number, chunked: boolean): Promise<void> {
  const got = await download(server, bytes, chunked);
  if (chunked) assert.ok(got > bytes && got < bytes * 1.01, `${got} bytes`);
  else assert.is(got, bytes);
}

const FLOWS: [what: string, flow: Flow][] = [
  ['an upload of known length', (server, bytes) => uploads(server, bytes, false)],
  ['an upload in chunks', (server, bytes) => uploads(server, bytes, true)],
  ['a download of known length', (server, bytes) => downloads(server, bytes, false)],
  ['a download in chunks', (server, bytes) => downloads(server, bytes, true)],
];

for (const [what, flow] of FLOWS) {
  test(`${what} of ${SIZE_MIB} MiB takes less than ${GROWTH_MIB} MiB of memory`, async () => {
    await using server = await ServerProcess.start();
    await flow(server, WARM_UP_MIB * MIB);
    const before = server.memoryKib('VmRSS');
    const start = performance.now();
    await flow(server, SIZE_MIB * MIB);
    const tookMs = performance.now() - start;
    const growthMib = (server.memoryKib('VmHWM') - before) / 1024;
    const figures = `${Math.round(before / 1024)} MiB before, ${growthMib.toFixed(1)} MiB more at most`;
    console.log(`\n${what}: ${figures}, ${Math.round((SIZE_MIB / tookMs) * 1000)} MiB/s`);
    assert.ok(growthMib < GROWTH_MIB, figures);
  });
}

test.run();
