/**
 * A strict parser of Prometheus's text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): a scraper accepts
 * whatever it accepts, and it also refuses errors that a scraper silently tolerates.
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|\+Inf|-Inf|NaN)$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/** The metrics by name. @throws Error for invalid text */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  let current: Family | null = null;
  let help: [name: string, text: string] | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line);
    if (comment?.[1] === 'HELP') {
      help = [comment[2]!, comment[3]!];
    } else if (comment?.[1] === 'TYPE') {
      const [, , name, type] = comment as unknown as [string, string, string, string];
      if (!TYPES.includes(type)) throw new Error(`no type: ${line}`);
      if (families.has(name)) throw new Error(`twice: ${name}`);
      if (help?.[0] !== name) throw new Error(`no help before ${line}`);
      current = { name, type, help: help[1], samples: [] };
      families.set(name, current);
    } else {
      if (line.startsWith('#') || current === null) throw new Error(`no sample: ${line}`);
      current.samples.push(sampleOf(line, current));
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

function sampleOf(line: string, family: Family): Sample {
  const [, name, labels, value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || !VALUE.test(value!)) throw new Error(`no sample: ${line}`);
  const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === family.name + suffix))
    throw new Error(`not of ${family.name}: ${line}`);
  return { name, labels: labelsOf(labels ?? '', line), value: Number(value!.replace('Inf', 'Infinity')) };
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`no labels: ${line}`);
    if (Object.hasOwn(labels, match[1]!)) throw new Error(`a label twice: ${line}`);
    labels[match[1]!] = match[2]!;
  }
  return labels;
}

function check({ name, type, samples }: Family): void {
  const keys = samples.map(
    (sample) => `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`,
  );
  if (new Set(keys).size !== keys.length) throw new Error(`${name} has the same sample twice`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0)))
    throw new Error(`${name} is below zero`);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: Sample[]): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [labels, own] of series) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le } }) => Number(le!.replace('Inf', 'Infinity')));
    const rising = bounds.every((bound, index) => index === 0 || bound > bounds[index - 1]!);
    const growing = buckets.every(({ value }, index) => index === 0 || value >= buckets[index - 1]!.value);
    if (!rising || !growing || bounds.at(-1) !== Number.POSITIVE_INFINITY)
      throw new Error(`buckets of ${name}${labels}`);
    const count = own.find((sample) => sample.name === `${name}_count`);
    if (count?.value !== buckets.at(-1)!.value) throw new Error(`the count of ${name}${labels}`);
    if (!own.some((sample) => sample.name === `${name}_sum`)) throw new Error(`no sum of ${name}${labels}`);
  }
}
