/** The current folder of the process, which all threads share and only the main thread can change. */
import { CHDIR_DONE, CHDIR_PENDING, CHDIR_UNSUPPORTED, type DirectoryMessage } from '../thread/messages.js';

/** The current folder; the root where it has been removed. */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** Changes the folder as a thread asks, and answers it. Node's threads notice the change by themselves. */
export function changeDirectory({ directory, answer }: DirectoryMessage): void {
  // The thread waits no longer.
  if (Atomics.load(answer, 0) !== CHDIR_PENDING) return;
  Atomics.store(answer, 0, outcomeOf(directory));
  Atomics.notify(answer, 0);
}

function outcomeOf(directory: string): number {
  try {
    process.chdir(directory);
    return CHDIR_DONE;
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno ?? CHDIR_UNSUPPORTED;
  }
}
