/** Which dot an answer is, and what the legend says of a mix's dots. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEMO_MIXES } from '../../../../lib/compare/mixes.js';
import { dotOf, dotsOf } from '../../../../lib/compare/page/dots.js';
import { mixOfPaths } from '../../../../lib/compare/paths.js';

const mixOf = (wanted: string) => DEMO_MIXES.find(({ name }) => name === wanted)!;

test('a dot tells who waited behind whom', () => {
  const waiting = mixOf('waiting');
  assert.is(dotOf([0, 1, 0, 1], waiting), 'fast');
  assert.is(dotOf([0, 20, 0, 0], waiting), 'fast');
  assert.is(dotOf([0, 20, 0, 1], waiting), 'behind');
  assert.is(dotOf([0, 6, 1, 0], waiting), 'other');
  assert.is(dotOf([0, 20, 1, 1], waiting), 'behind');
  assert.is(dotOf([0, 20, 2, 1], waiting), 'holds');
  assert.is(dotOf([0, 1, 1, 0], mixOf('burst')), 'other');
});

test('the legend has the dots of the mix only, by the names of its requests', () => {
  const legend = (name: string) => dotsOf(mixOf(name)).map(([dot, words]) => `${dot}: ${words}`);
  assert.equal(legend('fast'), ['fast: fast']);
  assert.equal(legend('blocking'), [
    'fast: fast',
    'holds: blocking: holds its thread',
    'behind: waited 5 ms or longer behind it',
  ]);
  assert.equal(legend('burst'), ['fast: fast', 'other: new connection']);
  assert.equal(legend('waiting')[1], 'other: async');
  const own = dotsOf(mixOfPaths('/a@9,/b,/c'));
  assert.equal(own.slice(1), [
    ['holds', '/b, /c: hold their threads'],
    ['behind', 'waited 5 ms or longer behind one of them'],
  ]);
});

test.run();
