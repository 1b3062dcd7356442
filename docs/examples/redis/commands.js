/** The commands: https://redis.io/docs/latest/commands/ describes what each of them does. */
import { OK, Status } from './protocol.js';
import * as store from './store.js';

/** The version of Redis whose answers these are. */
const REDIS_VERSION = '7.0.0';

/** A reply that says why a command was refused. */
class CommandError extends Error {}

const SYNTAX = 'ERR syntax error';

function integer(word) {
  const text = Buffer.from(word).toString();
  const number = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new CommandError('ERR value is not an integer or out of range');
  return number;
}

/** The options of SET: `EX seconds` or `PX milliseconds`, and `NX` or `XX`. */
function setOptions(words) {
  const options = { ttlMs: null, nx: false, xx: false };
  for (let at = 0; at < words.length; at++) {
    const name = words[at].toString().toLowerCase();
    if (name === 'nx' || name === 'xx') options[name] = true;
    else if ((name === 'ex' || name === 'px') && options.ttlMs === null && at + 1 < words.length)
      options.ttlMs = integer(words[++at]) * (name === 'ex' ? 1000 : 1);
    else throw new CommandError(SYNTAX);
  }
  if (options.nx && options.xx) throw new CommandError(SYNTAX);
  if (options.ttlMs !== null && options.ttlMs <= 0)
    throw new CommandError("ERR invalid expire time in 'set' command");
  return options;
}

function set(key, value, ...words) {
  const { ttlMs, nx, xx } = setOptions(words);
  return store.atomically(() => {
    if ((nx && store.has(key)) || (xx && !store.has(key))) return null;
    store.set(key, value, ttlMs);
    return OK;
  });
}

function add(key, amount) {
  return store.atomically(() => {
    const sum = integer(store.get(key) ?? '0') + amount;
    if (!Number.isSafeInteger(sum)) throw new CommandError('ERR increment or decrement would overflow');
    store.update(key, Buffer.from(`${sum}`));
    return sum;
  });
}

function secondsToLive(key) {
  const ms = store.timeToLiveMs(key);
  return ms < 0 ? ms : Math.ceil(ms / 1000);
}

const countOf = (keys, isOne) => keys.filter((key) => isOne(key)).length;

/** What a client library asks first: it tells the server which version of the protocol to speak. */
function hello(session, word) {
  const version = word === undefined ? session.version : Number(word);
  if (version !== 2 && version !== 3) throw new CommandError('NOPROTO unsupported protocol version');
  session.version = version;
  return new Map(
    Object.entries({
      server: 'redis',
      version: REDIS_VERSION,
      proto: version,
      id: 0,
      mode: 'standalone',
      role: 'master',
      modules: [],
    }),
  );
}

const info = (session) =>
  [
    '# Server',
    `redis_version:${REDIS_VERSION}`,
    'redis_mode:standalone',
    `process_id:${process.pid}`,
    `thread:${session.thread}`,
    '# Keyspace',
    `db0:keys=${store.size()}`,
    '',
  ].join('\r\n');

/** redis-cli asks for this to show what a command takes. */
function describe(what) {
  const all = Object.entries(COMMANDS);
  if (what === undefined) return all.map(([name, { arity }]) => [name, arity, [], 0, 0, 0]);
  const question = what.toString().toLowerCase();
  if (question === 'count') return all.length;
  if (question !== 'docs') throw new CommandError(`ERR unknown subcommand '${question}'`);
  return new Map(all.map(([name, { summary }]) => [name, new Map([['summary', summary]])]));
}

function select(number) {
  if (integer(number) !== 0) throw new CommandError('ERR DB index is out of range');
  return OK;
}

function clear() {
  store.clear();
  return OK;
}

function quit(session) {
  session.quits = true;
  return OK;
}

/** `arity` as Redis counts it: with the command's own name, and negative for "at least". */
const COMMANDS = {
  client: { arity: -2, summary: 'Takes the name and version of a client library.', run: () => OK },
  command: { arity: -1, summary: 'Describes the commands.', run: (_, what) => describe(what) },
  dbsize: { arity: 1, summary: 'Counts the keys.', run: () => store.size() },
  decr: { arity: 2, summary: 'Subtracts one.', run: (_, key) => add(key, -1) },
  del: { arity: -2, summary: 'Deletes keys.', run: (_, ...keys) => countOf(keys, store.del) },
  echo: { arity: 2, summary: 'Returns its word.', run: (_, word) => word },
  exists: { arity: -2, summary: 'Counts which keys exist.', run: (_, ...keys) => countOf(keys, store.has) },
  flushall: { arity: -1, summary: 'Deletes everything.', run: clear },
  get: { arity: 2, summary: 'Returns the value of a key.', run: (_, key) => store.get(key) },
  hello: { arity: -1, summary: 'Chooses the version of the protocol.', run: hello },
  incr: { arity: 2, summary: 'Adds one.', run: (_, key) => add(key, 1) },
  incrby: { arity: 3, summary: 'Adds a number.', run: (_, key, by) => add(key, integer(by)) },
  info: { arity: -1, summary: 'Describes the server.', run: info },
  keys: { arity: 2, summary: 'Lists the keys that match.', run: (_, glob) => store.keys(`${glob}`) },
  ping: { arity: -1, summary: 'Returns PONG, or its word.', run: (_, word) => word ?? new Status('PONG') },
  quit: { arity: 1, summary: 'Ends the connection.', run: quit },
  select: { arity: 2, summary: 'Chooses a database: there is one.', run: (_, number) => select(number) },
  set: { arity: -3, summary: 'Sets the value of a key.', run: (_, ...words) => set(...words) },
  ttl: { arity: 2, summary: 'Seconds until a key expires.', run: (_, key) => secondsToLive(key) },
};

/** @returns what encode() takes */
export function execute([name, ...words], session) {
  const called = name.toString('latin1').toLowerCase();
  try {
    const command = Object.hasOwn(COMMANDS, called) ? COMMANDS[called] : undefined;
    if (command === undefined) throw new CommandError(`ERR unknown command '${called}'`);
    const { arity, run } = command;
    if (arity > 0 ? words.length + 1 !== arity : words.length + 1 < -arity)
      throw new CommandError(`ERR wrong number of arguments for '${called}' command`);
    return run(session, ...words);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}
