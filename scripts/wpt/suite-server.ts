/** Serves the suite's folder, so that relative URLs in tests lead somewhere. It answers nothing that needs a script. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface SuiteServer {
  /** Without a slash at the end. */
  readonly origin: string;
  close(): void;
}

export async function serveSuite(folder: string): Promise<SuiteServer> {
  const server = createServer((request, response) => {
    // The URL parser has removed every `..`.
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    try {
      response.end(readFileSync(join(folder, decodeURIComponent(pathname))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
