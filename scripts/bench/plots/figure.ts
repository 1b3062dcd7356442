// A plot of one scenario: its title, the panels side by side with the targets' names at the left, and below them how to read it and
// what it was measured with.

import { STRATEGIES } from '../../../lib/strategies/descriptions.js';
import type { ScenarioResult } from '../report.js';
import type { Run } from '../run.js';
import type { Result, Scenario } from '../scenario.js';
import { bars } from './bars.js';
import { latencies } from './latencies.js';
import { PANEL_HEAD, type Panel, ROW_HEIGHT, rowAt } from './panel.js';
import { type Element, element } from './svg.js';
import { rowClass, STYLE } from './theme.js';

const WIDTH = 960;
const MARGIN = 20;
const NAMES_WIDTH = 170;
const GAP = 40;
const LINE_HEIGHT = 15;
/** About as many signs as fit on a line, of text and of small text. */
const LINE_SIGNS = 140;
const SMALL_SIGNS = 165;
/** Where a scenario names none. */
export const DEFAULT_BARS = ['cpuUsPerRequest', 'requestsPerSecond'];
/** The order of the versions in the picture; the load and the tools of other scenarios are left out. */
const MACHINE = ['cpu', 'memory', 'kernel', 'date'];
const SERVERS = ['paceline', 'node', 'bun', 'deno', 'fastify', 'hono', 'piscina', 'nginx', 'gcc'];

/** The plot as the text of an SVG file. */
export function figure(scenario: Scenario, { results }: ScenarioResult, run: Run): string {
  const measured = results.filter(({ rounds }) => rounds.length > 0);
  const panels = panelsOf(scenario, run);
  const width = (WIDTH - 2 * MARGIN - NAMES_WIDTH - GAP * (panels.length - 1)) / panels.length;
  const title = lines(scenario.title(run.settings), LINE_SIGNS);
  const top = MARGIN + 20 + title.length * LINE_HEIGHT + 10;
  const bottom = top + PANEL_HEAD + measured.length * ROW_HEIGHT + 26;
  const notes = [...lines(howToRead(scenario, measured), SMALL_SIGNS), ...provenance(run)];
  const height = bottom + notes.length * LINE_HEIGHT + MARGIN / 2;
  const names = measured.map(({ target, kind }, index) =>
    element('text', { class: rowClass(kind, STRATEGIES), x: MARGIN, y: top + rowAt(index) + 4 }, target),
  );
  const drawn = panels.map((panel, index) => {
    const x = MARGIN + NAMES_WIDTH + index * (width + GAP);
    return element('g', { transform: `translate(${Math.round(x)} ${top})` }, ...panel.draw(measured, width));
  });
  return `${
    element(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        role: 'img',
        viewBox: `0 0 ${WIDTH} ${height}`,
        width: WIDTH,
        height,
      },
      element('title', {}, scenario.name),
      { svg: `<style>${STYLE}</style>` },
      element('rect', { class: 'ground', width: WIDTH, height, rx: 8 }),
      element('text', { class: 'heading', x: MARGIN, y: MARGIN + 14 }, scenario.name),
      ...written(title, 'soft', MARGIN + 34),
      ...names,
      ...drawn,
      ...written(notes, 'small', bottom),
    ).svg
  }\n`;
}

/** A panel of latencies for each phase, where there are any; and the bars, with phases those of the last one. */
function panelsOf(scenario: Scenario, { settings }: Run): Panel[] {
  const phases = scenario.phases?.(settings) ?? [];
  const last = phases.at(-1);
  const shown = scenario.bars ?? DEFAULT_BARS;
  const columns = shown.flatMap((key) => scenario.columns.find((column) => column.key === key) ?? []);
  return [
    ...phases.map(({ key, title }) => latencies(title, `${key}.`)),
    ...columns.map(({ key, title }) =>
      last === undefined
        ? bars({ key, title })
        : bars({ key: `${last.key}.${key}`, title: `${title}, ${last.title}` }),
    ),
  ];
}

function howToRead({ phases }: Scenario, measured: readonly Result[]): string {
  const rounds = Math.max(...measured.map((result) => result.rounds.length));
  const spread = `Bars: the median of the rounds (${rounds}); the line on each reaches from the lowest to the highest. Strong green: Paceline with leader/followers, its default; pale green: its other strategies.`;
  if (phases === undefined) return spread;
  return `Latencies: circles, from large to small, for p50, p90, p99 and p99.9 as far as they are measured; the line ends at the maximum. ${spread}`;
}

function provenance({ command, versions }: Run): string[] {
  const known = (name: string) => versions[name] !== undefined && versions[name] !== 'not found';
  const servers = SERVERS.filter(known).map((name) => `${name} ${versions[name]}`);
  const machine = MACHINE.filter(known).map((name) => versions[name]!.replace(/T(\d\d:\d\d).*/, ' $1 UTC'));
  return [machine.join(' · '), servers.join(' · '), command].flatMap((text) => lines(text, SMALL_SIGNS));
}

function written(texts: readonly string[], style: string, y: number): Element[] {
  return texts.map((text, index) =>
    element('text', { class: style, x: MARGIN, y: y + index * LINE_HEIGHT }, text),
  );
}

/** Text in lines of at most so many signs, broken at blanks. */
function lines(text: string, signs: number): string[] {
  const broken: string[] = [];
  for (const word of text.split(' ')) {
    const line = broken.at(-1);
    if (line !== undefined && line.length + word.length < signs)
      broken[broken.length - 1] = `${line} ${word}`;
    else broken.push(word);
  }
  return broken;
}
