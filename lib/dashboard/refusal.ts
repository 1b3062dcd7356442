/** Which requests are refused before they reach an endpoint: those that are not meant for this server, or that it does not understand. */
import type { IncomingMessage } from 'node:http';
import type { Access } from './access.js';
import { type Answer, sentence } from './answers.js';

/**
 * The refusal of an invalid request, null if it is valid.
 *
 * @param endpoint what its path leads to
 * @param only the one path that is valid, if there is one
 */
export function refusalOf(
  request: IncomingMessage,
  access: Access,
  endpoint: { readonly methods: readonly string[] } | undefined,
  only?: string,
): Answer | null {
  const { method = '', url = '', headers, rawHeaders } = request;
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts !== 1 || !url.startsWith('/')) {
    return ended(sentence(400, 'One Host field and the path as target are what is understood here.'));
  }
  if (!access.isOwnHost(headers.host!)) {
    return ended(sentence(421, 'This Host is not the dashboard; use the address that it listens on.'));
  }
  if (endpoint === undefined || (only !== undefined && pathOf(request) !== only)) {
    return sentence(404, 'There is nothing here.');
  }
  if (!endpoint.methods.includes(method)) {
    const allow = endpoint.methods.join(', ');
    return ended(sentence(405, `Only ${allow} is answered here.`, { allow }));
  }
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) {
    return ended(sentence(400, 'Requests with content are not answered here.'));
  }
  return null;
}

/** The path as it was sent: no endpoint's path needs an escape. */
export const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0]!;

/** The answer, after which the connection is closed: what follows on it is not read. */
const ended = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, connection: 'close' },
});
