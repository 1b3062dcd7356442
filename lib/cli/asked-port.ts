/** A server file decides itself where it listens: what is said where that is not the port that was asked for. */
import type { Listening } from '../server.js';

/**
 * @param asked the variable PORT, as the app finds it
 * @returns null where a server listens there, or none was asked for
 */
export function portWarning(asked: string | undefined, listening: readonly Listening[]): string | null {
  const port = Number(asked);
  // 0 is any port.
  if (!(port > 0)) return null;
  if (listening.some(({ address }) => typeof address === 'object' && address.port === port)) return null;
  const where = listening.map(({ url }) => url).join(' and ');
  return `nothing listens on port ${port}, which was asked for: the app calls listen() itself, on ${where}; write listen(process.env.PORT ?? 3000) there to let --port and PORT decide`;
}
