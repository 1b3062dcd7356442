/** `context.trace`: the trace that a client names. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

test('a handler gets the trace that the request names, and none of the one before on the connection', async () => {
  await using running = await Running.start('web', { threads: 1 });
  const client = await running.connect();
  const traced = await client.get(
    '/trace',
    `traceparent: 00-${TRACE}-${CALLER}-01\r\ntracestate: a=1,b=2\r\n`,
  );
  const trace = { traceId: TRACE, parentId: CALLER, sampled: true, tracestate: 'a=1,b=2' };
  assert.equal(JSON.parse(traced.text), { trace });
  assert.equal(JSON.parse((await client.get('/trace')).text), { trace: null });
});

test.run();
