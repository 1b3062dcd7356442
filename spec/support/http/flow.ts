/** A server process whose memory is measured, and a client that keeps nothing of what it sends and receives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { within } from '../server/wait.js';

const SERVE = fileURLToPath(new URL('../../fixtures/http/serve.js', import.meta.url));
const PART_BYTES = 64 * 1024;

export class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(
    child: ChildProcess,
    readonly port: number,
  ) {
    this.#child = child;
  }

  static async start(): Promise<ServerProcess> {
    const child = spawn(process.execPath, [SERVE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await within('the port', once(child.stdout!, 'data'))) as [Buffer];
    return new ServerProcess(child, Number(line.toString()));
  }

  /** Resident memory in KiB: `VmRSS` now, or `VmHWM`, the maximum so far (proc_pid_status(5)). */
  memoryKib(field: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)![1]);
  }

  connect(): Socket {
    return connect({ host: '127.0.0.1', port: this.port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin!.end();
    await within('the end of the server', closed);
  }
}

/** Sends `bytes` bytes as one body. @returns the app's response */
export async function upload(
  server: ServerProcess,
  bytes: number,
  chunked: boolean,
): Promise<{ bytes: number }> {
  const socket = server.connect();
  const framing = chunked ? 'transfer-encoding: chunked' : `content-length: ${bytes}`;
  socket.write(`POST /upload HTTP/1.1\r\nhost: test\r\nconnection: close\r\n${framing}\r\n\r\n`);
  const part = Buffer.alloc(PART_BYTES, 1);
  const chunk = Buffer.concat([Buffer.from(`${PART_BYTES.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
  const unit = chunked ? chunk : part;
  for (let left = bytes; left > 0; left -= PART_BYTES) {
    if (!socket.write(unit)) await once(socket, 'drain');
  }
  if (chunked) socket.write('0\r\n\r\n');
  let answer = '';
  for await (const text of socket.setEncoding('latin1')) answer += text;
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { bytes: number };
}

/** Requests `bytes` bytes. @returns how many arrived, chunk framing included */
export async function download(server: ServerProcess, bytes: number, chunked: boolean): Promise<number> {
  const socket = server.connect();
  const query = `bytes=${bytes}${chunked ? '' : '&sized'}`;
  socket.write(`GET /download?${query} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n`);
  let got = 0;
  let head = '';
  socket.on('data', (part: Buffer) => {
    got += part.length;
    if (head.includes('\r\n\r\n')) return;
    head += part.toString('latin1');
    got = head.length - head.indexOf('\r\n\r\n') - 4;
  });
  await once(socket, 'close');
  return got;
}
