/** A real HAProxy or nginx in front of a server, as lax as it can be configured, with one connection upstream for everybody. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../server/wait.js';

export type ProxyName = 'haproxy' | 'nginx';

/** In the folder, where a proxy listens: no other process ever has such an address, as it may have a port. */
const SOCKETS = { front: 'front', oldFront: 'old-front' };

/**
 * Runs a command until this process closes its input or ends, however it ends, and then removes the folder.
 * `$0` is the folder.
 */
const UNTIL_INPUT_ENDS = `"$@" & child=$!; cat >/dev/null; kill -TERM $child; wait $child; rm -rf "$0"`;

/** HAProxy hands all requests to one connection, whose next user waits for the one before. */
const haproxy = (folder: string, port: number): string => `
global
  maxconn 400
  nbthread 1
defaults
  mode http
  option accept-invalid-http-request
  option accept-invalid-http-response
  http-reuse always
  retries 0
  timeout connect 20s
  timeout client 60s
  timeout server 60s
  timeout queue 60s
frontend front
  bind unix@${folder}/${SOCKETS.front}
  http-request deny deny_status 403 if { method DELETE }
  default_backend paceline
backend paceline
  server paceline 127.0.0.1:${port} maxconn 1 pool-max-conn 1 pool-purge-delay 60s
`;

/** nginx keeps one connection; who comes while it is in use gets another one for the while. */
const nginx = (folder: string, port: number): string => `
${process.getuid?.() === 0 ? 'user root root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 400; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${folder}/${what};`).join('\n  ')}
  ignore_invalid_headers off;
  underscores_in_headers on;
  upstream paceline { server 127.0.0.1:${port}; keepalive 1; }
  proxy_set_header Host $http_host;
  proxy_request_buffering off;
  proxy_next_upstream off;
  server {
    listen unix:${folder}/${SOCKETS.front};
    if ($request_method = DELETE) { return 403; }
    location / {
      proxy_pass http://paceline;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
  server {
    listen unix:${folder}/${SOCKETS.oldFront};
    location / { proxy_pass http://paceline; }
  }
}
`;

const PROGRAMS = {
  haproxy: {
    config: haproxy,
    arguments: (_folder: string, file: string) => ['-db', '-f', file],
    places: ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy'],
  },
  nginx: {
    config: nginx,
    arguments: (folder: string, file: string) => ['-p', folder, '-c', file],
    places: ['/usr/sbin/nginx', '/usr/local/sbin/nginx'],
  },
} as const;

/** Where the program is, if it is installed. */
export function find(name: ProxyName): string | undefined {
  const onPath = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
  return onPath !== '' ? onPath : PROGRAMS[name].places.find((place) => existsSync(place));
}

export class FrontProxy implements AsyncDisposable {
  /** Where clients connect. */
  readonly front: string;
  /** The same for nginx, which asks in HTTP/1.0 from here. */
  readonly oldFront: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.front = join(folder, SOCKETS.front);
    this.oldFront = join(folder, SOCKETS.oldFront);
  }

  /** @param port the server's, at 127.0.0.1 */
  static async start(name: ProxyName, program: string, port: number): Promise<FrontProxy> {
    const { config, arguments: words } = PROGRAMS[name];
    const folder = mkdtempSync(join(tmpdir(), 'paceline-proxy-'));
    const file = join(folder, 'config');
    writeFileSync(file, config(folder, port));
    const command = ['-c', UNTIL_INPUT_ENDS, folder, program, ...words(folder, file)];
    const child = spawn('sh', command, { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const proxy = new FrontProxy(child, folder);
    try {
      let isUp = false;
      const look = (): void => {
        const socket = connect({ path: proxy.front });
        socket.once('connect', () => {
          isUp = true;
          socket.destroy();
        });
        socket.once('error', () => child.exitCode ?? setTimeout(look, 5));
      };
      look();
      await until(`${name} listens`, () => isUp);
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}: ${said}`, { cause: error });
    }
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin!.end();
    await closed;
  }
}
