/** A metric of /metrics as a view of an observation, and how it is written: Prometheus' text format 0.0.4. */
import type { Health } from '../observe/health.js';
import type { Observation, ObservedThread } from '../observe/observation.js';

export type Labels = Readonly<Record<string, string | number>>;

/** The suffix of the metric's name (`_sum` and the like, and the labels), and the value. */
export type Sample = readonly [suffix: string, value: number];

export interface View {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(observation: Observation, health: Health): Sample[];
}

/** The text of a metric; '' for one without samples, which is meaningless for what is observed. */
export function written(
  { name, help, type, samples }: View,
  observation: Observation,
  health: Health,
): string {
  const lines = samples(observation, health).map(([suffix, value]) => `${name}${suffix} ${value}\n`);
  if (lines.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}\n`;
}

/** The labels of a thread: its number and, where there are several groups, that of its group. */
export const labelsOf = ({ id, group }: Pick<ObservedThread, 'id' | 'group'>): Labels =>
  group === undefined ? { thread: id } : { thread: id, group };

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

export function labelled(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${String(value).replace(/[\\"\n]/g, (character) => ESCAPES[character]!)}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join()}}`;
}
