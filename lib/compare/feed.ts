/** The websocket of a server's dashboard, as text: for the figures, and for each page that shows the comparison. */
import { WebSocket } from 'ws';
import { PROTOCOL, TOKEN_PREFIX } from '../dashboard/protocol.js';

/** A frame of 128 threads takes less than a tenth of it. */
const MESSAGE_BYTES = 8 * 1024 * 1024;

export class Feed implements Disposable {
  readonly #socket: WebSocket;

  /**
   * @param dashboard the dashboard's URL, with the token as its fragment
   * @param onMessage gets each message, as JSON
   */
  constructor(dashboard: string, onMessage: (text: string) => void) {
    const { origin, host, hash } = new URL(dashboard);
    this.#socket = new WebSocket(`ws://${host}/ws`, [PROTOCOL, TOKEN_PREFIX + hash.slice(1)], {
      origin,
      maxPayload: MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    this.#socket.on('message', (data) => onMessage(String(data)));
    // It ends with its server, of which the comparison learns otherwise.
    this.#socket.on('error', () => {});
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
