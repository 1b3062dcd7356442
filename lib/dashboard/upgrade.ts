/**
 * Decides which client gets a websocket. The others get an ordinary HTTP response instead of 101: a websocket that is opened
 * and then closed would tell a foreign page that there is a dashboard, and use up one of MAX_CLIENTS.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Access } from './access.js';
import { type Answer, responseOn, send, sentence } from './answers.js';
import { PROTOCOL, TOKEN_PREFIX } from './protocol.js';

/** Limit of one message in bytes. The longest valid one has 50. */
const MESSAGE_BYTES = 4096;

export class UpgradeHandler {
  readonly #access: Access;
  readonly #protocol: string;
  readonly #server: WebSocketServer;

  constructor(access: Access, protocol = PROTOCOL) {
    this.#access = access;
    this.#protocol = protocol;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MESSAGE_BYTES,
      perMessageDeflate: false,
      // The token is among the offered subprotocols, and is never sent back.
      handleProtocols: () => protocol,
    });
  }

  /**
   * Upgrades a client's connection, or refuses it.
   *
   * @param refusal the answer to a request that is refused already, for its host or path, or because of MAX_CLIENTS
   */
  handle(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    refusal: Answer | null,
    onOpen: (socket: WebSocket) => void,
  ): void {
    const answer = refusal ?? this.#refusal(request);
    if (answer === null) {
      this.#server.handleUpgrade(request, socket, head, onOpen);
      return;
    }
    send(request, responseOn(request, socket), answer);
  }

  #refusal({ headers }: IncomingMessage): Answer | null {
    if (!this.#access.isOwnOrigin(headers.origin, headers.host!)) {
      return sentence(403, 'The websocket is for the page of this very address.');
    }
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const token = offered.find((name) => name.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length);
    if (!this.#access.isToken(token)) {
      return sentence(401, 'The token is missing or wrong; it is printed when the server starts.', {
        'www-authenticate': 'Bearer realm="paceline"',
      });
    }
    return offered.includes(this.#protocol)
      ? null
      : sentence(400, `The subprotocol must be ${this.#protocol}.`);
  }
}
