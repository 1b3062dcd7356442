/** The request fields that decide how a file is served, read without making a Headers object where possible. */
import { untouchedHead } from '../web/light-request.js';

/** The value of each field, or null. */
export interface RequestFields {
  'accept-encoding': string | null;
  'if-match': string | null;
  'if-none-match': string | null;
  'if-modified-since': string | null;
  'if-unmodified-since': string | null;
  'if-range': string | null;
  range: string | null;
}

const NONE: Readonly<RequestFields> = {
  'accept-encoding': null,
  'if-match': null,
  'if-none-match': null,
  'if-modified-since': null,
  'if-unmodified-since': null,
  'if-range': null,
  range: null,
};
const NAMES = Object.keys(NONE) as (keyof RequestFields)[];

const LINE =
  /\r\n(accept-encoding|range|if-(?:match|none-match|modified-since|unmodified-since|range)):[ \t]*([^\r]*)/gi;

/** Reads the fields. Requests with none of them share one object. */
export function requestFields(request: Request): Readonly<RequestFields> {
  const head = untouchedHead(request);
  if (head === null) return fromHeaders(request.headers);
  let fields: RequestFields | null = null;
  LINE.lastIndex = 0;
  for (let match = LINE.exec(head); match !== null; match = LINE.exec(head)) {
    fields ??= { ...NONE };
    const name = match[1]!.toLowerCase() as keyof RequestFields;
    const value = match[2]!.trimEnd();
    // Lines with the same name are combined into one list (RFC 9110, 5.3).
    fields[name] = fields[name] === null ? value : `${fields[name]}, ${value}`;
  }
  return fields ?? NONE;
}

function fromHeaders(headers: Headers): RequestFields {
  const fields = { ...NONE };
  for (const name of NAMES) fields[name] = headers.get(name);
  return fields;
}
