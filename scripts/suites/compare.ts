/**
 * Compares the results of a suite under Paceline's classes with those under plain Node, and checks the differences against
 * the written list. The suite may be any that has files and named tests.
 */

/** Whether each test passed, by file and by the test's name. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

export interface Test {
  readonly file: string;
  readonly test: string;
}

/** A difference that is accepted. */
export interface Accepted extends Test {
  /** The classes under which it fails (classes.ts). */
  readonly under: readonly string[];
  readonly reason: string;
}

export interface Comparison {
  /** Tests that pass under plain Node. */
  readonly plain: number;
  /** Tests that pass here, also those that fail under plain Node. */
  readonly here: number;
  /** Pass here and fail under plain Node. */
  readonly gained: readonly Test[];
  /** Pass under plain Node and not here, each with the reason of the list; null for one that is not listed. */
  readonly lost: readonly (Test & { readonly reason: string | null })[];
  /** Listed, but pass here as under plain Node. One that fails under plain Node, or that did not run there, is not stale. */
  readonly stale: readonly Accepted[];
}

/** A test that did not report has failed. */
function passes(results: Results, { file, test }: Test): boolean {
  return results.get(file)?.get(test) ?? false;
}

function passed(results: Results): Test[] {
  return [...results].flatMap(([file, tests]) =>
    [...tests].filter(([, isPassed]) => isPassed).map(([test]) => ({ file, test })),
  );
}

/** @param under the classes that `here` ran under */
export function compare(
  plain: Results,
  here: Results,
  accepted: readonly Accepted[],
  under: string,
): Comparison {
  const listed = accepted.filter((entry) => entry.under.includes(under));
  const inPlain = passed(plain);
  const inHere = passed(here);
  const reasonOf = ({ file, test }: Test): string | null =>
    listed.find((entry) => entry.file === file && entry.test === test)?.reason ?? null;
  return {
    plain: inPlain.length,
    here: inHere.length,
    gained: inHere.filter((one) => !passes(plain, one)),
    lost: inPlain.filter((one) => !passes(here, one)).map((one) => ({ ...one, reason: reasonOf(one) })),
    stale: listed.filter((one) => passes(plain, one) && passes(here, one)),
  };
}

/** Whether the run agrees with the list. One in which nothing passes under plain Node has compared nothing. */
export function agrees({ plain, lost, stale }: Comparison): boolean {
  return plain > 0 && stale.length === 0 && lost.every(({ reason }) => reason !== null);
}

/**
 * The lines to print for a comparison.
 *
 * @param messageOf what a test that fails here says
 */
export function describe(under: string, comparison: Comparison, messageOf: (test: Test) => string): string[] {
  const { plain, here, gained, lost, stale } = comparison;
  const lines = [`${under}: ${here} pass, plain Node: ${plain} pass`];
  for (const one of lost) {
    const listed = one.reason === null ? 'NOT LISTED' : 'listed';
    lines.push(`  ${listed}: ${one.file}: ${one.test}`);
    lines.push(`    ${one.reason ?? messageOf(one)}`);
  }
  for (const { file, test } of stale) lines.push(`  LISTED, BUT PASSES: ${file}: ${test}`);
  for (const { file, test } of gained) lines.push(`  passes here only: ${file}: ${test}`);
  return lines;
}
