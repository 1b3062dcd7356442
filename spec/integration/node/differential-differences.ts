/** The listed differences are of cases that exist; that they are differences, the cases show. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ABORTS } from '../../support/node/cases/aborts.js';
import { ANSWERS } from '../../support/node/cases/answers.js';
import { BODIES } from '../../support/node/cases/bodies.js';
import { HEADS } from '../../support/node/cases/heads.js';
import { LIMITS } from '../../support/node/cases/limits.js';
import { SERVERS } from '../../support/node/cases/servers.js';
import { SOCKETS } from '../../support/node/cases/sockets.js';
import { TIMEOUTS } from '../../support/node/cases/timeouts.js';
import { UPGRADES } from '../../support/node/cases/upgrades.js';
import { DIFFERENCES } from '../../support/node/differences.js';

const CASES = [ABORTS, ANSWERS, BODIES, HEADS, LIMITS, SERVERS, SOCKETS, TIMEOUTS, UPGRADES].flat();

test('every listed difference is of a case', () => {
  const names = new Set(CASES.map(({ name }) => name));
  assert.equal(
    Object.keys(DIFFERENCES).filter((name) => !names.has(name)),
    [],
  );
});

test('no two cases have the same name', () => {
  assert.is(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});

test.run();
