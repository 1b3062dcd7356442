/**
 * Edits an app that runs by `paceline dev` under load, and prints what its clients have seen.
 *
 *   node dist/scripts/dev-edits.js [EDITS [CLIENTS]]
 */
import { editUnderLoad, pageOf } from './dev-edits/scenario.js';

const count = Number(process.argv[2] ?? 20);
const clients = Number(process.argv[3] ?? 4);
const broken = Math.ceil(count / 2);
const { pages, answers, failures, exit, descriptors, processes, output } = await editUnderLoad({
  count,
  broken,
  clients,
});
const wrong = pages.flatMap(({ status, body }, index) => {
  const edit = index + 1;
  const isRight = edit === broken ? status === 500 && body.includes('page.js:1') : body === pageOf(edit);
  return isRight ? [] : [`after edit ${edit}: ${status} ${body}`];
});
console.log(`${count} edits, ${wrong.length} wrong pages; answers by status:`, Object.fromEntries(answers));
for (const line of [...wrong, ...failures]) console.log(line);
console.log(
  `exit ${exit.join(' ')}; descriptors ${descriptors.join(' -> ')}; other processes ${processes.join(', then ')}`,
);
if (wrong.length + failures.length + processes[0] + processes[1] > 0) {
  console.log(output);
  process.exitCode = 1;
}
