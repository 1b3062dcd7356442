/**
 * Reads the request cases of nodejs/llhttp (test/request, MIT licence), which are test data outside the project. The specs
 * that import this compare them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusCase {
  /** File and heading, with a number after the second and later cases of the same heading. */
  readonly id: string;
  /** `request` for the strict cases. */
  readonly type: string;
  readonly bytes: Uint8Array;
  /** How many messages llhttp completes before it errs or the bytes end. */
  readonly complete: number;
  /** How many heads it completes. */
  readonly heads: number;
  /** The error that llhttp reports; undefined when it accepts. Its pauses (upgrade, CONNECT) are no errors. */
  readonly error: string | undefined;
  /** The concatenated content of all messages, as in llhttp's log; undefined when the log has it in escapes. */
  readonly body: string | undefined;
}

/** Where the corpus is, if it is present: beside the repository. */
export const CORPUS_FOLDER = join(process.cwd(), '..', 'shared', 'corpus', 'llhttp');

/** llhttp's "errors" that only stop the parser so that its user can take over: PAUSED and the like. */
const PAUSES = new Set(['21', '22', '23']);

/** All cases of all types, or undefined when the folder is missing (then the caller says so and skips). */
export function readCorpus(folder: string = CORPUS_FOLDER): CorpusCase[] | undefined {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder).filter((name) => name.endsWith('.md'));
  return files.sort().flatMap((name) => casesOf(name, readFileSync(join(folder, name), 'utf8')));
}

function casesOf(file: string, text: string): CorpusCase[] {
  const pieces = /^#+ (.+)$|^<!-- meta=(\{.*\}) -->|^```(http|log)\n([\s\S]*?)\n?^```/gm;
  const seen = new Map<string, number>();
  const cases: CorpusCase[] = [];
  let heading = '';
  let type = '';
  let http = '';
  for (const [, title, meta, kind, block = ''] of text.matchAll(pieces)) {
    if (title !== undefined) heading = title;
    else if (meta !== undefined) type = (JSON.parse(meta) as { type: string }).type;
    else if (kind === 'http') http = block;
    else {
      const name = `${file}: ${heading}`;
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      cases.push(caseOf(count === 1 ? name : `${name} (${count})`, type, http, block));
    }
  }
  return cases;
}

function caseOf(id: string, type: string, http: string, log: string): CorpusCase {
  const error = /error code=(\d+) reason="(.*)"/.exec(log);
  const spans = [...log.matchAll(/span\[body\]=(.*)$/gm)].map(([, span]) => span!);
  const escaped = spans.some((span) => !/^"[^\\]*"$/.test(span));
  return {
    id,
    type,
    bytes: unescapeBytes(http),
    complete: log.match(/ message complete$/gm)?.length ?? 0,
    heads: log.match(/ headers complete /gm)?.length ?? 0,
    error: error === null || PAUSES.has(error[1]!) ? undefined : error[2]!,
    body: escaped ? undefined : spans.map((span) => span.slice(1, -1)).join(''),
  };
}

/**
 * As llhttp's own runner does it. (`noScan` in a case's meta is about splitting, not about escapes: the offsets in the logs
 * of those cases only fit when line ends and escapes are replaced there too.)
 */
function unescapeBytes(text: string): Uint8Array {
  const escapes: Record<string, string> = { r: '\r', n: '\n', t: '\t', f: '\f' };
  const plain = text
    .replace(/\\\n/g, '')
    .replace(/\n/g, '\r\n')
    .replace(/\\([rntf])/g, (_, letter: string) => escapes[letter]!)
    .replace(/\\x([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(plain, 'utf8');
}
