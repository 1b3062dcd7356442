/** The config file: JSON, or a module whose default export is the same object. Its keys are the names of options. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CONFIG_FILES, OPTIONS, type Option, SCHEMA_KEY } from '../options/option-table.js';
import { optionError, refuseUnknownNames } from '../options/validate.js';
import { errorRecord } from '../report/error-record.js';
import { summary } from '../report/render-error.js';
import { locatedRecord } from '../report/syntax-check.js';

/** A value as its source has it. */
export interface SourcedValue {
  readonly value: unknown;
  /** What the user called the option there, for messages. */
  readonly name: string;
  /** What a path in it is relative to. */
  readonly directory: string;
  /** The source's place in the order of precedence, from 0. */
  readonly rank: number;
}

type Values = Readonly<Record<string, unknown>>;

/** The rank of the config file: after the command line and the environment. */
const FILE_RANK = 2;

const CONFIG_KEYS = OPTIONS.flatMap(({ configKey }) => configKey ?? []);
const FORMER_KEYS = OPTIONS.flatMap(({ formerConfigKey }) => formerConfigKey ?? []);

const MODULES: ReadonlySet<string> = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']);

/**
 * The config file of a run: the one that was asked for, else the one of the usual names that is there.
 *
 * @returns as the user would name it; undefined for none
 * @throws PacelineError `PACELINE_OPTION` if there are two
 */
export function configFileOf(asked: SourcedValue | undefined, workingDirectory: string): string | undefined {
  if (asked !== undefined) return String(asked.value);
  const [name, second] = CONFIG_FILES.filter((file) => existsSync(resolve(workingDirectory, file)));
  if (second === undefined) return name;
  throw optionError(`there are two config files, ${name} and ${second}; keep one, or name it with --config`);
}

export class ConfigFile {
  readonly #values: Values;
  /** As the user would name the file. */
  readonly #name: string;
  readonly #directory: string;

  private constructor(values: Values, name: string, directory: string) {
    this.#values = values;
    this.#name = name;
    this.#directory = directory;
  }

  /**
   * Reads the file that was asked for; without one, the usual one, which need not exist.
   *
   * @throws PacelineError `PACELINE_OPTION`
   */
  static async read(asked: SourcedValue | undefined, workingDirectory: string): Promise<ConfigFile> {
    const name = configFileOf(asked, workingDirectory);
    if (name === undefined) return new ConfigFile({}, '', workingDirectory);
    const path = resolve(workingDirectory, name);
    // A variable may have been set elsewhere, so the message says which one.
    const source = asked === undefined || asked.name.startsWith('--') ? '' : ` of ${asked.name}`;
    const text = readText(path, `the config file ${name}${source}`);
    const values = MODULES.has(extname(path)) ? await load(path, name) : parse(text, name);
    return new ConfigFile(checked(values, name), name, dirname(path));
  }

  /** What the file has for the option. In a module, undefined counts as left out. */
  find({ configKey, formerConfigKey }: Option): SourcedValue | undefined {
    const key = [configKey, formerConfigKey].find(
      (name) => name !== undefined && Object.hasOwn(this.#values, name) && this.#values[name] !== undefined,
    );
    if (key === undefined) return undefined;
    const value = this.#values[key];
    return {
      value: value instanceof URL ? value.href : value,
      name: `${key} in ${this.#name}`,
      directory: this.#directory,
      rank: FILE_RANK,
    };
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw optionError(`${what} cannot be read (${code}); name a file of JSON, or a module`, { cause });
  }
}

function parse(text: string, name: string): Values {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw optionError(`the config file ${name} must be JSON: ${(cause as Error).message}`, { cause });
  }
  if (isObject(values)) return values;
  throw optionError(`the config file ${name} must be one JSON object, as in { "port": 3000 }`);
}

/** The default export of the module. */
async function load(path: string, name: string): Promise<Values> {
  let module: { readonly default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException | null)?.code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw optionError(
        `the config file ${name} is TypeScript, which Node.js ${process.versions.node} does not run; use Node.js 22.18 or later, or write it as paceline.config.mjs`,
        { cause },
      );
    }
    const record =
      (await locatedRecord(cause, pathToFileURL(path).href)) ?? errorRecord(cause, { frame: true });
    throw optionError(`the config file ${name} did not load: ${summary(record)}`, { cause });
  }
  if (isObject(module.default)) return module.default;
  throw optionError(
    `the config file ${name} must have an object as its default export, as in export default { port: 3000 }`,
  );
}

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checked(values: Values, name: string): Values {
  const valid = [...CONFIG_KEYS, ...FORMER_KEYS, SCHEMA_KEY];
  refuseUnknownNames(Object.keys(values), valid, `setting in ${name} called`, CONFIG_KEYS.join(', '));
  for (const { configKey, formerConfigKey } of OPTIONS) {
    if (formerConfigKey !== undefined && formerConfigKey in values && configKey! in values) {
      throw optionError(
        `${formerConfigKey} in ${name} is the former name of ${configKey}, which is there as well; leave out ${formerConfigKey}`,
      );
    }
  }
  return values;
}
