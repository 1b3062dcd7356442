// `npm run bench`: compares server runtimes on this machine. scripts/bench/ has one role a file: options, targets with setups,
// commands and start (the servers), peers (those that are installed for it), rounds and progress (the run), scenarios (the
// measurements, and their pass marks; requests has hello and the real ones, long-requests those that compute, wait or block, tcp the
// ones without kept-alive HTTP, open-loop fixed rates, node-apps the apps of node:http), load with client, wrk and c-client,
// process-stats (the server's cost), handler-cost (the handler's), report, verdict, plots.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { missing } from './bench/available.js';
import { cleanUpAtExit, endChildren } from './bench/children.js';
import { type BenchOptions, HELP, parseOptions, targetsOf, UsageError } from './bench/options.js';
import type { Part } from './bench/parts.js';
import { findPeers, type Peers } from './bench/peers.js';
import { drawPlots } from './bench/plots/draw.js';
import { inWords, Progress } from './bench/progress.js';
import { type ScenarioResult, table } from './bench/report.js';
import { Rounds } from './bench/rounds.js';
import type { Run } from './bench/run.js';
import type { Settings } from './bench/scenario.js';
import { SCENARIOS } from './bench/scenarios.js';
import type { Target } from './bench/targets.js';
import { onPath, TOOL_HINTS } from './bench/tools.js';
import { verdict } from './bench/verdict.js';
import { versions } from './bench/versions.js';

async function run(options: BenchOptions, args: readonly string[]): Promise<boolean> {
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  const { parts, peers } = await partsOf(options);
  const measured = await versions(peers);
  const progress = new Progress(parts, options);
  for (const [name, value] of Object.entries(measured)) console.log(`${name.padEnd(12)} ${value}`);
  console.log(
    `${'repeat'.padEnd(12)} ${command}\n${'duration'.padEnd(12)} ${inWords(progress.totalSeconds)}\n`,
  );
  console.log('Medians of the rounds (min..max), and ratios to the first cluster target, or to nginx.\n');

  const rounds = new Rounds(options, peers, progress);
  const results: ScenarioResult[] = [];
  const measuredSoFar = (lines: readonly string[]): Run => {
    return { command, versions: measured, settings: settingsOf(options), results, verdict: lines };
  };
  for (const [index, part] of parts.entries()) {
    const result = await rounds.run(part);
    progress.clear();
    results.push(result);
    console.log(table(part.scenario, result, options));
    keep(measuredSoFar([]), options);
    await rounds.keepFor(parts.slice(index + 1));
  }
  const { met, lines } = verdict(SCENARIOS, results);
  console.log(lines.join('\n'));
  keep(measuredSoFar(lines), options);
  return met;
}

/** What can be measured here; what cannot is told in a line. */
async function partsOf(options: BenchOptions): Promise<{ parts: Part[]; peers: Peers }> {
  const wanted = options.scenarios.map((scenario) => ({ scenario, targets: targetsOf(scenario, options) }));
  const kinds = new Set(wanted.flatMap(({ targets }) => targets.map(({ kind }) => kind)));
  const installs = options.extent !== 'quick';
  const peers = await findPeers(kinds, options.bun, installs);
  const told = new Set<string>();
  const isInstalled = (target: Target) => {
    const reason = missing(target, peers);
    if (reason && !told.has(target.kind)) console.log(`without ${target.kind}: ${reason}`);
    if (reason) told.add(target.kind);
    return !reason;
  };
  const parts = wanted
    .filter(({ scenario: { name, needs } }) => {
      const hasTool = needs === undefined || onPath(needs) !== undefined;
      if (!hasTool) console.log(`without ${name}: ${TOOL_HINTS[needs]}`);
      return hasTool;
    })
    .map(({ scenario, targets }) => ({ scenario, targets: targets.filter(isInstalled) }))
    .filter(({ targets }) => targets.length > 0);
  return { parts, peers };
}

function settingsOf({
  seconds,
  warmUpSeconds,
  idleSeconds,
  slowSeconds,
  connections,
  rates,
}: BenchOptions): Settings {
  return { seconds, warmUpSeconds, idleSeconds, slowSeconds, connections, rates };
}

/** Writes what was asked for; after each scenario, so that a run which is ended early leaves what it has. */
function keep(measured: Run, { json, plots }: BenchOptions): void {
  if (json) {
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, `${JSON.stringify(measured, null, 1)}\n`);
  }
  if (plots) drawPlots(measured, plots);
}

cleanUpAtExit();
try {
  const args = process.argv.slice(2);
  const options = parseOptions(args);
  if (!options) console.log(HELP);
  else if (!(await run(options, args)) && options.check) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${error instanceof UsageError ? error.message : (error as Error).stack}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  await endChildren();
}
