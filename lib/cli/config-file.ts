/** The config file: one JSON object, whose keys are the names of options. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CONFIG_FILE, OPTIONS, type Option, SCHEMA_KEY } from '../options/option-table.js';
import { optionError, refuseUnknownNames } from '../options/validate.js';

/** A value as its source has it. */
export interface SourcedValue {
  readonly value: unknown;
  /** What the user called the option there, for messages. */
  readonly name: string;
  /** What a path in it is relative to. */
  readonly directory: string;
}

const CONFIG_KEYS = OPTIONS.flatMap(({ configKey }) => configKey ?? []);
const FORMER_KEYS = OPTIONS.flatMap(({ formerConfigKey }) => formerConfigKey ?? []);

export class ConfigFile {
  readonly #values: Readonly<Record<string, unknown>>;
  /** As the user would name the file. */
  readonly #name: string;
  readonly #directory: string;

  private constructor(values: Readonly<Record<string, unknown>>, name: string, directory: string) {
    this.#values = values;
    this.#name = name;
    this.#directory = directory;
  }

  /**
   * Reads the file that was asked for; without one, the usual one, which need not exist.
   *
   * @throws PacelineError `PACELINE_OPTION`
   */
  static read(asked: SourcedValue | undefined, workingDirectory: string): ConfigFile {
    const name = asked === undefined ? CONFIG_FILE : String(asked.value);
    const path = resolve(workingDirectory, name);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (asked === undefined && code === 'ENOENT') return new ConfigFile({}, name, dirname(path));
      // A variable may have been set elsewhere, so the message says which one.
      const source = asked === undefined || asked.name.startsWith('--') ? '' : ` of ${asked.name}`;
      throw optionError(`the config file ${name}${source} cannot be read (${code}); name a file of JSON`, {
        cause,
      });
    }
    return new ConfigFile(parse(text, name), name, dirname(path));
  }

  /** What the file has for the option. */
  find({ configKey, formerConfigKey }: Option): SourcedValue | undefined {
    const key = [configKey, formerConfigKey].find(
      (name) => name !== undefined && Object.hasOwn(this.#values, name),
    );
    if (key === undefined) return undefined;
    return { value: this.#values[key], name: `${key} in ${this.#name}`, directory: this.#directory };
  }
}

function parse(text: string, name: string): Readonly<Record<string, unknown>> {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw optionError(`the config file ${name} must be JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw optionError(`the config file ${name} must be one JSON object, as in { "port": 3000 }`);
  }
  const valid = [...CONFIG_KEYS, ...FORMER_KEYS, SCHEMA_KEY];
  refuseUnknownNames(Object.keys(values), valid, `setting in ${name} called`, CONFIG_KEYS.join(', '));
  for (const { configKey, formerConfigKey } of OPTIONS) {
    if (formerConfigKey !== undefined && formerConfigKey in values && configKey! in values) {
      throw optionError(
        `${formerConfigKey} in ${name} is the former name of ${configKey}, which is there as well; leave out ${formerConfigKey}`,
      );
    }
  }
  return values as Readonly<Record<string, unknown>>;
}
