/** The trace that a request belongs to, from its `traceparent` and `tracestate` fields (W3C Trace Context, level 1). */
import type { TraceContext } from '../web/context.js';
import type { RequestHead } from '../web/request-head.js';

const FIELD = /\r\ntrace(parent|state):[ \t]*([^\r]*)/gi;

/** Version, trace id, parent id and flags; what follows them is a later version's. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const INVALID_VERSION = 'ff';
const ONLY_ZEROS = /^0+$/;
/** Of the flags: the caller may have recorded the trace. */
const SAMPLED = 1;

/**
 * Reads the trace context of a received head.
 *
 * @returns null without a `traceparent` field, with several of them, and with one that is malformed: section 3.2 has such a
 * request begin a trace of its own, and `tracestate` ignored
 */
export function traceContextOf({ text }: Pick<RequestHead, 'text'>): TraceContext | null {
  let parent: string | null = null;
  const states: string[] = [];
  FIELD.lastIndex = 0;
  for (let match = FIELD.exec(text); match !== null; match = FIELD.exec(text)) {
    const value = match[2]!.trimEnd();
    if (match[1]!.toLowerCase() === 'state') states.push(value);
    else if (parent === null) parent = value;
    else return null;
  }
  // Several tracestate lines are one list (section 3.3.1).
  return parent === null ? null : parsed(parent, states.filter((state) => state !== '').join());
}

function parsed(traceparent: string, tracestate: string): TraceContext | null {
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === INVALID_VERSION) return null;
  if (version === '00' && more !== undefined) return null;
  if (ONLY_ZEROS.test(traceId!) || ONLY_ZEROS.test(parentId!)) return null;
  const sampled = (Number.parseInt(flags!, 16) & SAMPLED) !== 0;
  return { traceId: traceId!, parentId: parentId!, sampled, tracestate };
}
