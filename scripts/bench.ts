// `npm run bench`: compares server runtimes on this machine. scripts/bench/ has one role a file: options, targets and
// start (the servers), scenarios (the measurements, and their pass marks; requests has the real ones and hello; static-files,
// held-connections, slow-clients, dashboards, control and waiting only on request), load with client and wrk,
// process-stats (the server's cost), handler-cost (the handler's), report, verdict.
//
// Rounds are interleaved: every target runs in every round, so that a change of the machine's speed affects all of
// them. A server is started when it is first needed and stays up until the end of the run, except in scenarios that need
// a fresh one.

import { writeFileSync } from 'node:fs';
import { cleanUpAtExit, endChildren, isGone, stopChild } from './bench/children.js';
import { type BenchOptions, HELP, parseOptions, targetsOf, UsageError } from './bench/options.js';
import { type ScenarioResult, table, versions } from './bench/report.js';
import type { Result, Scenario } from './bench/scenario.js';
import { SCENARIOS, warmUp } from './bench/scenarios.js';
import { OWN_SETUPS, start } from './bench/start.js';
import { missing, type Server, type Target } from './bench/targets.js';
import { onPath, TOOL_HINTS } from './bench/tools.js';
import { verdict } from './bench/verdict.js';

/** The targets that cannot run here, as far as they were reported. */
const left = new Set<string>();
const servers = new Map<string, Promise<Server>>();

async function run(options: BenchOptions, args: readonly string[]): Promise<boolean> {
  const measured = await versions(options.bun);
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  for (const [name, value] of Object.entries(measured)) console.log(`${name.padEnd(12)} ${value}`);
  console.log(`${'repeat'.padEnd(12)} ${command}\n`);
  console.log(
    `Medians of up to ${options.rounds} rounds (min..max), and ratios to the first cluster target, or to nginx.\n`,
  );

  const results: ScenarioResult[] = [];
  for (const scenario of options.scenarios) {
    if (scenario.needs && !onPath(scenario.needs)) {
      console.log(`without ${scenario.name}: ${TOOL_HINTS[scenario.needs]}\n`);
      continue;
    }
    const targets = targetsOf(scenario, options);
    const result = await runScenario(scenario, targets.filter(isInstalled(options)), options);
    if (result.results.length === 0) continue;
    results.push(result);
    console.log(table(scenario, result, options));
  }
  const { met, lines } = verdict(SCENARIOS, results);
  console.log(lines.join('\n'));
  if (options.json) {
    writeFileSync(
      options.json,
      `${JSON.stringify({ command, versions: measured, results, verdict: lines }, null, 2)}\n`,
    );
  }
  return met;
}

/** Tells why one is not, once. */
function isInstalled({ bun }: BenchOptions): (target: Target) => boolean {
  return (target) => {
    const reason = missing(target, bun);
    if (reason && !left.has(target.name)) console.log(`without ${target.name}: ${reason}`);
    if (reason) left.add(target.name);
    return !reason;
  };
}

/** All rounds of one scenario. A target that fails is given up for this scenario; the others go on. */
async function runScenario(
  scenario: Scenario,
  targets: readonly Target[],
  options: BenchOptions,
): Promise<ScenarioResult> {
  const entries = targets
    .filter(scenario.appliesTo)
    .map((target) => ({ target, result: { target: target.name, kind: target.kind, rounds: [] } as Result }));
  const rounds = Math.min(options.rounds, scenario.maxRounds ?? options.rounds);
  for (let round = 0; round < rounds; round += 1) {
    for (const { target, result } of entries) {
      if (result.failure) continue;
      try {
        const server = await serverOf(target, scenario, options);
        if (round === 0) await warmUp(scenario, server, options);
        const figures = await scenario.run(server, options);
        if (isGone(server.child)) throw new Error('the server ended during the round');
        result.rounds.push(figures);
        if (scenario.freshServer) await stopChild(server.child);
      } catch (error) {
        result.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return { scenario: scenario.name, results: entries.map(({ result }) => result) };
}

function serverOf(target: Target, scenario: Scenario, options: BenchOptions): Promise<Server> {
  const isPaceline = target.kind === 'paceline';
  const workers = (isPaceline ? scenario.threads : undefined) ?? target.workers;
  const wanted = scenario.setup ?? 'handler';
  const setup = !isPaceline && OWN_SETUPS.includes(wanted) ? 'handler' : wanted;
  const startIt = () => start({ ...target, workers }, setup, options.bun);
  if (scenario.freshServer) return startIt();
  const key = `${target.kind}-${workers}-${setup}`;
  const running = servers.get(key) ?? startIt();
  servers.set(key, running);
  return running;
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
