/** The command as `paceline compare` starts it for each of its servers: it ends with the process that has started it, however that ends. */
import { runCommand } from './run.js';

// Nothing is to be finished: the clients are the comparison's own.
const end = (): boolean => process.kill(process.pid, 'SIGKILL');
process.on('disconnect', end);
// The other process may have ended before this line.
if (!process.connected) end();
await runCommand(process.argv.slice(2));
