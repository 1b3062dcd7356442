/**
 * Where servers differ from node:http's on purpose, by case, each with the reason. What `here` makes of node:http's outcome is the one
 * that is expected; it must be another one.
 */
import type { Outcome } from './run-case.js';

export interface Difference {
  readonly why: string;
  /** The first major version of Node that does something else; by default, all do. */
  readonly from?: number;
  /** The first one that does the same again. */
  readonly until?: number;
  readonly here: (there: Outcome) => Outcome;
}

/** Replaces in each line of the events. */
function lines(pattern: RegExp, by: string): (there: Outcome) => Outcome {
  return ({ events, received }) => ({ events: events.map((line) => line.replace(pattern, by)), received });
}

const PARSER_GOES_ON =
  'an exception leaves Node’s parser in the middle of the request: it is never complete, and the next one is refused; here the connection goes on';

/** The fields of that case. */
const MANY_RAW = Array.from({ length: 100 }, (_, i) => [`X-${i}`, 'v'.repeat(i)]).flat();

/** The end of the second request comes after the first one has closed. */
function oneAfterTheOther({ events, received }: Outcome): Outcome {
  const at = events.findLastIndex((line) => line.startsWith('req end'));
  const [end, close] = [events[at]!, events[at + 1]!];
  return { events: events.with(at, close).with(at + 1, end), received };
}

const ONE_AFTER_THE_OTHER =
  'the ticks of a request run before the next one that came with it is looked at; Node parses both first';

export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'an answer before the content, which comes later': {
    why: ONE_AFTER_THE_OTHER,
    until: 26,
    here: oneAfterTheOther,
  },
  'an answer before chunks, which come later': {
    why: ONE_AFTER_THE_OTHER,
    until: 26,
    here: oneAfterTheOther,
  },
  'maxHeadersCount cuts them': {
    why: 'the headers are cut, and rawHeaders are whole; Node 20 cuts these in pieces of 31 or 32 fields, and from version 22 on the request is refused with 431',
    here: () => ({
      events: [
        'line GET / 1.1 1 1',
        `raw ${JSON.stringify(['Host', 'h', ...MANY_RAW, 'Connection', 'close'])}`,
        'headers {"host":"h","x-0":"","x-1":"v","x-2":"vv","x-3":"vvv"}',
        'distinct {"host":["h"],"x-0":[""],"x-1":["v"],"x-2":["vv"],"x-3":["vvv"]}',
      ],
      received: ['HTTP/1.1 200 OK\r\nDate: DATE\r\nConnection: close\r\nContent-Length: 0\r\n\r\n<end>'],
    }),
  },
  'pipelined: the client leaves': {
    why: 'requests of one connection are handled one after the other; Node calls all listeners at once, and queues the answers',
    here: ({ events, received }) => ({ events: events.filter((line) => !line.includes('/2')), received }),
  },
  'pipelined: a bad request behind a good one': {
    why: 'each request gets its own answer; Node takes the 400 for a part of the first one, and leaves it out',
    here: ({ events, received: [first] }) => ({
      events,
      received: [first!.replace('<end>', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<end>')],
    }),
  },
  'a listener throws': {
    why: PARSER_GOES_ON,
    here: lines(/\[aborted destroyed/, '[aborted complete destroyed'),
  },
  'a listener throws when it has answered a part': {
    why: PARSER_GOES_ON,
    here: lines(/\[aborted destroyed/, '[aborted complete destroyed'),
  },
  'a listener throws, and its answer is sent from elsewhere': {
    why: PARSER_GOES_ON,
    here: ({ received: [first] }) => {
      const answer = first!.slice(0, first!.indexOf('HTTP/1.1 400'));
      const ends = ['res finish', 'res close', 'req end', 'req close'];
      return {
        events: ['process uncaughtException Error: first', 'answering', ...ends, ...ends],
        received: [
          `${answer}${answer.replace('Content-Length: 5', 'Content-Length: 6').replace('first', 'second')}<end>`,
        ],
      };
    },
  },
  'close does not end a connection without a request': {
    why: 'a request that crosses the server’s close is answered, as in Node before version 26',
    from: 26,
    here: ({ events, received: [first] }) => ({
      events,
      received: [
        `HTTP/1.1 200 OK\r\nDate: DATE\r\nConnection: close\r\nContent-Length: 6\r\n\r\nanswer${first}`,
      ],
    }),
  },
  'headersTimeout with a listener of clientError': {
    why: 'an app is told once that a connection’s request has failed; in Node again, when the client ends its half',
    here: ({ events, received }) => ({
      events: events.filter((line) => !line.includes('HPE_INVALID_EOF_STATE')),
      received,
    }),
  },
  'async context of a listener does not reach the next request': {
    why: 'each request has a scope of its own; in Node, what a listener enters stays with the connection’s parser',
    until: 24,
    here: lines(/^\/2 entered .*/, '/2 undefined'),
  },
};
