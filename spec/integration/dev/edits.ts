import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { editUnderLoad, pageOf } from '../../../scripts/dev-edits/scenario.js';

const COUNT = 20;
const BROKEN = 10;

test('the page is right after each of 20 edits under load, and nothing is left', async () => {
  const { pages, answers, failures, exit, descriptors, processes, output } = await editUnderLoad({
    count: COUNT,
    broken: BROKEN,
    clients: 4,
  });
  for (const [index, { status, type, body }] of pages.entries()) {
    const edit = index + 1;
    if (edit === BROKEN) {
      assert.equal([status, type], [500, 'text/html; charset=utf-8']);
      assert.match(body, 'SyntaxError');
      assert.match(body, /page\.js:1:/);
      assert.match(body, /<b>&gt; 1 \| export const page = &#39;never closed;<\/b>/);
    } else assert.equal([status, body], [200, pageOf(edit)], `after edit ${edit}: ${output}`);
  }
  assert.equal(failures, [], 'no connection is refused or reset');
  assert.ok((answers.get(200) ?? 0) > COUNT, 'clients were served all the time');
  assert.is(output.match(/page\.js changed: /g)!.length, COUNT, `one start for each edit: ${output}`);
  assert.equal(exit, [0, null]);
  assert.is(descriptors[1], descriptors[0], 'of the supervisor');
  assert.equal(processes, [0, 0]);
});

test('groups, which share the socket that is kept, lose no connection either', async () => {
  const { pages, failures, exit, processes, output } = await editUnderLoad({
    count: 3,
    broken: 0,
    clients: 4,
    groups: 2,
  });
  assert.equal(
    pages.map(({ status, body }) => [status, body]),
    [1, 2, 3].map((edit) => [200, pageOf(edit)]),
    output,
  );
  assert.equal([failures, exit, processes], [[], [0, null], [0, 0]]);
});

test.run();
