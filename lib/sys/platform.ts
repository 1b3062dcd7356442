import { PacelineError } from '../errors.js';

/**
 * Refuses platforms that the runtime cannot serve on, before anything native is loaded.
 *
 * @throws PacelineError `PACELINE_PLATFORM`
 */
export function requirePlatform(platform: string = process.platform): void {
  if (platform !== 'linux') {
    throw new PacelineError(
      'PACELINE_PLATFORM',
      `Paceline shares one epoll handle set between its threads, which only Linux has; this is ${platform}. ` +
        'Run it on Linux, for example in a container.',
    );
  }
}
