import { readdirSync, readlinkSync } from 'node:fs';

/** With its first socket a loop opens this as a spare, for when descriptors run out (libuv, uv__stream_init). */
const SPARE = '/dev/null';

/** What the descriptors of a process lead to, by number; without the spares of event loops. */
export function descriptorsOf(pid: number | 'self'): Map<string, string> {
  const folder = `/proc/${pid}/fd`;
  const links = new Map<string, string>();
  for (const number of readdirSync(folder)) {
    try {
      const link = readlinkSync(`${folder}/${number}`);
      if (link !== SPARE) links.set(number, link);
    } catch {
      // Closed meanwhile, as the one of the listing itself is.
    }
  }
  return links;
}
