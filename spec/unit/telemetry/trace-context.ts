import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { traceContextOf } from '../../../lib/telemetry/trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

/** The context of a request with these header lines. */
function contextOf(...lines: string[]) {
  return traceContextOf({ text: ['GET / HTTP/1.1', 'Host: test', ...lines, '', ''].join('\r\n') });
}

test('the ids and the flag of a caller that records are read', () => {
  assert.equal(contextOf(`traceparent: 00-${TRACE}-${PARENT}-01`), {
    traceId: TRACE,
    parentId: PARENT,
    sampled: true,
    tracestate: '',
  });
});

test('only the lowest bit of the flags says that the caller records', () => {
  for (const [flags, sampled] of Object.entries({ '00': false, '02': false, '03': true, ff: true }))
    assert.is(contextOf(`traceparent: 00-${TRACE}-${PARENT}-${flags}`)?.sampled, sampled, flags);
});

test('the name may be in any case, and white space around the value does not count', () => {
  assert.is(contextOf(`TraceParent:\t 00-${TRACE}-${PARENT}-01 \t`)?.traceId, TRACE);
});

test('tracestate is kept as it was sent, several lines as one list', () => {
  const traceparent = `traceparent: 00-${TRACE}-${PARENT}-00`;
  assert.is(contextOf('tracestate: a=1, b@c=2', traceparent)?.tracestate, 'a=1, b@c=2');
  assert.is(
    contextOf('tracestate: a=1', traceparent, 'Tracestate:', 'TraceState: b=2')?.tracestate,
    'a=1,b=2',
  );
});

test('of a later version the known part is read', () => {
  for (const more of ['', '-', '-what-follows']) {
    const context = contextOf(`traceparent: cc-${TRACE}-${PARENT}-01${more}`);
    assert.is(context?.parentId, PARENT, more);
  }
});

const MALFORMED = {
  'no field': [],
  'an empty one': ['traceparent:'],
  'a field whose name only begins like it': [`traceparents: 00-${TRACE}-${PARENT}-01`],
  'only tracestate': ['tracestate: a=1'],
  'two fields': [`traceparent: 00-${TRACE}-${PARENT}-01`, `traceparent: 00-${TRACE}-${PARENT}-01`],
  'an invalid version': [`traceparent: ff-${TRACE}-${PARENT}-01`],
  'more than version 00 has': [`traceparent: 00-${TRACE}-${PARENT}-01-more`],
  'a later version that continues without a dash': [`traceparent: 01-${TRACE}-${PARENT}-01more`],
  'a trace id of zeros': [`traceparent: 00-${'0'.repeat(32)}-${PARENT}-01`],
  'a parent id of zeros': [`traceparent: 00-${TRACE}-${'0'.repeat(16)}-01`],
  capitals: [`traceparent: 00-${TRACE.toUpperCase()}-${PARENT}-01`],
  'a short trace id': [`traceparent: 00-${TRACE.slice(1)}-${PARENT}-01`],
  'a long parent id': [`traceparent: 00-${TRACE}-${PARENT}0-01`],
  'no flags': [`traceparent: 00-${TRACE}-${PARENT}`],
  'flags of one digit': [`traceparent: 00-${TRACE}-${PARENT}-1`],
  'other characters': [`traceparent: 00-${TRACE.replace('f', 'g')}-${PARENT}-01`],
};

for (const [what, lines] of Object.entries(MALFORMED)) {
  test(`no context: ${what}`, () => {
    assert.is(contextOf(...lines), null);
  });
}

test.run();
