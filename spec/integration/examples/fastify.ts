import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Example, type RunningExample, testOf } from '../../support/examples/example.js';
import { range } from '../../support/server/wait.js';

const fastify = await Example.install('fastify');
const check = testOf(fastify);
const PASSWORDS = 8;

async function post(
  running: RunningExample,
  path: string,
  body: object,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(running.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

check('passwords are hashed by one thread and checked by another', async () => {
  await using running = await fastify!.start('server.js', 4);
  await Promise.all(
    range(PASSWORDS).map(async (number) => {
      const password = `correct horse ${number}`;
      const { status, answer } = await post(running, '/hashes', { password });
      assert.is(status, 201);
      const { hash } = answer;
      assert.match(`${hash}`, /^[0-9a-f]{32}:[0-9a-f]{64}$/);
      assert.equal((await post(running, '/checks', { password, hash })).answer, { matches: true });
      assert.equal((await post(running, '/checks', { password: 'battery staple', hash })).answer, {
        matches: false,
      });
    }),
  );
  assert.equal(await (await fetch(`${running.url}/health`)).json(), { ok: true });
});

check('what its schemas exclude is refused', async () => {
  await using running = await fastify!.start('server.js', 4);
  const { status, answer } = await post(running, '/hashes', { password: 'short' });
  assert.is(status, 400);
  assert.is(answer.message, 'body/password must NOT have fewer than 8 characters');
  assert.is((await post(running, '/checks', { password: 'long enough', hash: 'none' })).status, 400);
  assert.is((await fetch(`${running.url}/nothing`)).status, 404);
});

test.run();
