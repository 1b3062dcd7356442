/** A process with a low limit of open files: a server with a dashboard, which opens files on request. */
import { closeSync, openSync } from 'node:fs';
import { createServer } from '../../../lib/server.js';
import { fixture } from '../server/running.js';

export interface Started {
  readonly port: number;
  readonly dashboard: string;
}

const files: number[] = [];

/** Opens files until no descriptor is free. */
function exhaust(): number {
  for (;;) {
    try {
      files.push(openSync('/dev/null', 'r'));
    } catch {
      return files.length;
    }
  }
}

const commands: Record<string, () => unknown> = {
  exhaust,
  release: () => {
    for (const fd of files.splice(0)) closeSync(fd);
  },
  log: () => log,
};

const log: string[] = [];
const take = (message: string): void => void log.push(message);
const logger = { error: take, warn: take, info: take, debug: take };
const server = createServer({ app: fixture('web'), threads: 2, dashboard: { port: 0 }, logger });
await server.listen({ port: 0 });
process.on('message', (command: string) => {
  process.send!(commands[command]!() ?? null);
});
const { port } = server.address() as { port: number };
process.send!({ port, dashboard: server.dashboard!.url } satisfies Started);
