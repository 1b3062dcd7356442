/** A number typed digit by digit: each digit selects at once, and one that follows soon extends the number. */

/** Between two digits of one number. */
export const BETWEEN_DIGITS_MS = 1200;

export class TypedNumber {
  readonly #select: (number: number) => boolean;
  #digits = '';
  #at = Number.NEGATIVE_INFINITY;

  /** @param select returns whether there is something of that number */
  constructor(select: (number: number) => boolean) {
    this.#select = select;
  }

  /** @param at the time of the key, in milliseconds @returns whether the key is a digit */
  type(key: string, at: number): boolean {
    if (!/^[0-9]$/.test(key)) {
      this.#digits = '';
      return false;
    }
    const before = at - this.#at < BETWEEN_DIGITS_MS ? this.#digits : '';
    this.#at = at;
    this.#digits = before + key;
    if (this.#select(Number(this.#digits)) || before === '') return true;
    // No such number: the digit begins another one.
    this.#digits = key;
    this.#select(Number(key));
    return true;
  }
}
