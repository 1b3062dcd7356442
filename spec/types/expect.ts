/**
 * How types are tested: nothing here runs, `npm run check` compiles it. What must be refused stands behind `@ts-expect-error`,
 * which is an error itself where nothing is refused.
 */

/** Whether two types are the same, not only assignable: `any` is the same as nothing but `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles where the value is of this very type: `expectType<number>()(value)`. */
export declare function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Same<Actual, Expected> extends true ? [] : ['is', Actual, 'and not', Expected]
) => void;
