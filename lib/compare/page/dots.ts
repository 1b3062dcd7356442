/** The kinds of dots in a strip of answers, and what they mean in a mix. */
import type { AnswerTuple } from '../load-messages.js';
import type { Mix } from '../mixes.js';
import { BEHIND_MS } from '../protocol.js';

export type Dot = 'fast' | 'other' | 'behind' | 'holds';

export function dotOf([, latencyMs, kind, behind]: AnswerTuple, { kinds }: Mix): Dot {
  if (kinds[kind]?.holds === true) return 'holds';
  if (behind === 1 && latencyMs >= BEHIND_MS) return 'behind';
  return kind === 0 ? 'fast' : 'other';
}

/** The dots that answers of a mix may have, with what they mean. */
export function dotsOf({ kinds: [fast, ...more], burst }: Mix): (readonly [Dot, string])[] {
  const namesOf = (holds: boolean): string[] =>
    more.filter((kind) => kind.holds === holds).map(({ name }) => name);
  const others = [...namesOf(false), ...(burst === null ? [] : [burst.name])];
  const slow = namesOf(true);
  const dots: (readonly [Dot, string])[] = [['fast', fast.name]];
  if (others.length > 0) dots.push(['other', others.join(', ')]);
  if (slow.length === 0) return dots;
  const [hold, them] = slow.length === 1 ? ['holds its thread', 'it'] : ['hold their threads', 'one of them'];
  return [
    ...dots,
    ['holds', `${slow.join(', ')}: ${hold}`],
    ['behind', `waited ${BEHIND_MS} ms or longer behind ${them}`],
  ];
}
