/** The process that is attacked: one server and its dashboard. It answers the campaign's questions in their order. */
import type { Logger } from '../../lib/logger.js';
import { createServer, type Server } from '../../lib/server.js';
import { Board } from '../chaos/board.js';
import type { Look, Ports, Question, Reply, Setup } from './messages.js';

/** Errors that the app is at fault for, or an upstream. */
const APPS_ERRORS = ['a handler failed', 'a response body failed'];
const DRAIN_MS = 1000;

const harm: string[] = [];
let deaths = 0;
let server: Server;

const logger: Logger = {
  error: (message, fields) => {
    if (!APPS_ERRORS.some((known) => message.startsWith(known))) harm.push(`${message}: ${fields?.error}`);
  },
  warn: () => {},
  info: () => {},
  debug: () => {},
};

async function start({ host, ...options }: Setup): Promise<Ports> {
  Board.create();
  const app = new URL('./app.js', import.meta.url);
  server = createServer({ ...options, app, logger, dashboard: { port: 0 }, keepAliveTimeout: 30_000 });
  server.on('threadExit', ({ thread, error }) => {
    deaths++;
    harm.push(`thread ${thread} died: ${error}`);
  });
  await server.listen({ host, port: 0 });
  const { port } = server.address() as { port: number };
  return { server: port, dashboard: server.dashboard!.port };
}

function look(): Look {
  const { current, peak } = server.pool() ?? { current: 0, peak: 0 };
  return {
    threads: server.threads(),
    connections: server.connections,
    blocks: current,
    blocksPeak: peak,
    deaths,
    harm,
  };
}

async function answer(question: Question): Promise<Ports | Look> {
  if (question.ask === 'start') return start(question.setup);
  if (question.ask === 'close') await server.close({ drainMs: DRAIN_MS });
  return look();
}

let closed = false;
// The campaign has gone without a word, so nobody will ever close the server.
process.on('disconnect', () => closed || process.exit(1));
process.on('message', async (question: Question) => {
  const reply: Reply = await answer(question).then(
    (found) => ({ answer: found }),
    (error: Error) => ({ failed: error.stack ?? error.message }),
  );
  process.send!(reply);
  // Behind the server nothing may keep the process: the channel is the campaign's own.
  if (question.ask !== 'close') return;
  closed = true;
  process.disconnect();
});
