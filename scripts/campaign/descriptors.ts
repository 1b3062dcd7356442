import { readdirSync, readlinkSync } from 'node:fs';

/** An event loop opens this with its first socket, in reserve for when descriptors run out (libuv, uv__stream_init). */
const SPARE = '/dev/null';

/** The targets of a process's open descriptors, by number; without those that event loops keep in reserve. */
export function descriptorsOf(pid: number | 'self'): Map<string, string> {
  const folder = `/proc/${pid}/fd`;
  const links = new Map<string, string>();
  for (const number of readdirSync(folder)) {
    try {
      const link = readlinkSync(`${folder}/${number}`);
      // Each thread has its own statistics open (lib/sys/scheduling.ts), and a replacement is another task.
      if (link !== SPARE) links.set(number, link.replace(/^\/proc\/\d+\/task\/\d+\//, 'of a thread: '));
    } catch {
      // Closed since it was listed, as the descriptor of the listing itself is.
    }
  }
  return links;
}
