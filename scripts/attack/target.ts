/** The process under attack: one server and its dashboard. */
import type { Logger } from '../../lib/logger.js';
import { createServer, type Server } from '../../lib/server.js';
import { Barriers } from '../campaign/barrier.js';
import { answerCampaign } from '../campaign/child.js';
import type { Answer, Ports, Question, Setup, Status } from './messages.js';

/** Log messages about errors of the app or of an upstream. */
const APPS_ERRORS = ['a handler failed', 'a response body failed'];
const DRAIN_MS = 1000;

const violations: string[] = [];
let deaths = 0;
let server: Server;

const logger: Logger = {
  error: (message, fields) => {
    if (!APPS_ERRORS.some((known) => message.startsWith(known)))
      violations.push(`${message}: ${fields?.error}`);
  },
  warn: () => {},
  info: () => {},
  debug: () => {},
};

async function start({ host, ...options }: Setup): Promise<Ports> {
  Barriers.create();
  const app = new URL('./app.js', import.meta.url);
  server = createServer({ ...options, app, logger, dashboard: { port: 0 }, keepAliveTimeout: 30_000 });
  server.on('threadExit', ({ thread, error }) => {
    deaths++;
    violations.push(`thread ${thread} died: ${error}`);
  });
  await server.listen({ host, port: 0 });
  const { port } = server.address() as { port: number };
  return { server: port, dashboard: server.dashboard!.port };
}

function status(): Status {
  const { current, peak } = server.pool() ?? { current: 0, peak: 0 };
  return {
    threads: server.threads(),
    connections: server.connections,
    blocks: current,
    blocksPeak: peak,
    deaths,
    violations,
  };
}

async function answer(question: Question): Promise<Answer> {
  if (question.ask === 'start') return start(question.setup);
  if (question.ask === 'close') await server.close({ drainMs: DRAIN_MS });
  return status();
}

answerCampaign(answer);
