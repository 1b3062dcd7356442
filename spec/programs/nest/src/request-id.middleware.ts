import type { IncomingMessage, ServerResponse } from 'node:http';

export function requestId(request: IncomingMessage, response: ServerResponse, next: () => void) {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? 'none');
  next();
}
