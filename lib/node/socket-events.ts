/** What Node's server listens to on every socket, as `connectionListenerInternal` of lib/_http_server.js. */
import type { Server, ServerResponse } from 'node:http';
import { aborted, type ClientError } from './client-error.js';
import { takeNeedDrain } from './internals.js';
import { type HttpSocket, STATE } from './socket.js';

export function listenTo(socket: HttpSocket, server: Server): void {
  socket.on('timeout', () => onTimeout(server, socket));
  socket.on('drain', () => onDrain(socket));
  socket.on('close', () => onClose(socket));
  socket.on('error', (error: ClientError) => onError(server, socket, error));
  socket[STATE].listenersComplete();
}

const responseOf = (socket: HttpSocket): ServerResponse | null =>
  socket._httpMessage as ServerResponse | null;

function onTimeout(server: Server, socket: HttpSocket): void {
  const request = socket[STATE].incoming;
  const byRequest = request !== null && !request.complete && request.emit('timeout', socket);
  const byResponse = responseOf(socket)?.emit('timeout', socket) ?? false;
  const byServer = server.emit('timeout', socket);
  if (!byRequest && !byResponse && !byServer) socket.destroy();
}

function onDrain(socket: HttpSocket): void {
  const response = responseOf(socket);
  if (response !== null && !response.finished && takeNeedDrain(response)) response.emit('drain');
}

/** The request ends with its connection. The response has a listener of its own. */
function onClose(socket: HttpSocket): void {
  const state = socket[STATE];
  const request = state.incoming;
  state.incoming = null;
  request?.destroy(aborted());
}

function onError(server: Server, socket: HttpSocket, error: ClientError): void {
  if (!server.emit('clientError', error, socket)) socket.destroy(error);
}
