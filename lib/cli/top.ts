/**
 * `paceline top`: the dashboard in a terminal, over the same websocket as the page. In a terminal it draws each frame until
 * q, ctrl-c or the end of the server; into a pipe it prints one table. The terminal is restored however the command ends.
 */
import { WebSocket } from 'ws';
import {
  CLOSE_SERVER_STOPS,
  type Frame,
  PROTOCOL,
  type ServerMessage,
  TOKEN_PREFIX,
} from '../dashboard/protocol.js';
import { PacelineError } from '../errors.js';
import { inUrl } from '../options/host-port.js';
import type { TopTarget } from './command.js';
import { TopView } from './top-view.js';

const HANDSHAKE_MS = 5000;
/** A frame of 128 threads takes less than a tenth of it. */
const MESSAGE_BYTES = 8 * 1024 * 1024;

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
/** q, ctrl-c (in raw mode it sends no signal) and ctrl-d. */
const QUIT = ['q', 'Q', '\x03', '\x04'];

/**
 * Shows the dashboard until the user quits or the server stops.
 *
 * @throws PacelineError `PACELINE_ADDRESS` when no dashboard answers, `PACELINE_OPTION` when it refuses the token,
 * `PACELINE_STATE` when the connection breaks
 */
export async function runTop({ host, port, token }: TopTarget): Promise<void> {
  const origin = `http://${inUrl(host)}:${port}`;
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, [PROTOCOL, TOKEN_PREFIX + token], {
    origin,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const terminal = process.stdout.isTTY ? new Terminal() : null;
  let view: TopView | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      terminal?.onQuit(resolve);
      socket.on('unexpected-response', (_request, { statusCode }) => reject(refusal(origin, statusCode)));
      socket.on('error', (error) => reject(noAnswer(origin, error)));
      socket.on('close', (code) => {
        if (code === CLOSE_SERVER_STOPS) resolve();
        else
          reject(
            new PacelineError('PACELINE_STATE', `the dashboard at ${origin} ended the connection (${code})`),
          );
      });
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as ServerMessage;
        if (message.type === 'hello') view = new TopView(message);
        else if (message.type === 'frame' && view !== null) show(view, message, terminal, resolve);
      });
    });
  } finally {
    terminal?.leave();
    socket.terminate();
  }
}

function show(view: TopView, frame: Frame, terminal: Terminal | null, done: () => void): void {
  view.add(frame);
  if (terminal !== null) {
    terminal.show(view);
    return;
  }
  process.stdout.write(`${view.table().join('\n')}\n`);
  done();
}

/** The terminal, while the command draws in it. */
class Terminal {
  readonly #colors = process.stdout.hasColors();
  readonly #redraw = (): void => this.#draw();
  readonly #restore = (): void => this.leave();
  #view: TopView | null = null;
  #entered = false;

  /** Calls `quit` when the user asks to quit, by a key or a signal. */
  onQuit(quit: () => void): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, quit);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on('data', (keys) => {
      if (QUIT.some((key) => String(keys).includes(key))) quit();
    });
    // A terminal left in raw mode would be unusable for the shell, whatever ended the process.
    process.once('exit', this.#restore);
  }

  show(view: TopView): void {
    if (!this.#entered) {
      this.#entered = true;
      process.stdout.write(ENTER);
      process.stdout.on('resize', this.#redraw);
    }
    this.#view = view;
    this.#draw();
  }

  leave(): void {
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    if (this.#entered) process.stdout.write(LEAVE);
    this.#entered = false;
    process.stdout.off('resize', this.#redraw);
    process.off('exit', this.#restore);
  }

  #draw(): void {
    const { columns, rows } = process.stdout;
    const lines = this.#view!.lines({ columns, rows, colors: this.#colors });
    process.stdout.write(HOME + lines.map((line) => line + CLEAR_LINE).join('\r\n') + CLEAR_BELOW);
  }
}

function refusal(origin: string, status: number | undefined): PacelineError {
  if (status === 401) {
    return new PacelineError(
      'PACELINE_OPTION',
      `the token is not that of ${origin}; unless it is fixed, each start of a server has another one`,
    );
  }
  const why = status === 429 ? 'has as many clients as it takes' : `refused with ${status}`;
  return new PacelineError('PACELINE_ADDRESS', `the server at ${origin} ${why}`);
}

const noAnswer = (origin: string, cause: NodeJS.ErrnoException): PacelineError =>
  new PacelineError(
    'PACELINE_ADDRESS',
    `no dashboard answers at ${origin} (${cause.code ?? cause.message}); name the one to look at with --dashboard HOST:PORT`,
    { cause },
  );
