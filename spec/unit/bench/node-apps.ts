/** The apps of node:http: every target that is not paceline starts with each of them, and answers with the bench's bytes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanUpAtExit, stopChild } from '../../../scripts/bench/children.js';
import type { Setup } from '../../../scripts/bench/setups.js';
import { start } from '../../../scripts/bench/start.js';
import { parseTarget } from '../../../scripts/bench/targets.js';

const SETUPS: readonly Setup[] = ['express-hello', 'fastify-hello', 'express-shop'];
const TARGETS = ['cluster-2', 'http'];

cleanUpAtExit();

for (const setup of SETUPS) {
  for (const name of TARGETS) {
    test(`${name} serves ${setup}`, async () => {
      // start() compares the answers.
      const { child, port } = await start(parseTarget(name)!, setup);
      if (setup === 'express-shop') {
        const blocked = await fetch(`http://127.0.0.1:${port}/block?ms=1`);
        assert.is(await blocked.text(), 'blocked 1 ms\n');
      }
      await stopChild(child);
    });
  }
}

test.run();
