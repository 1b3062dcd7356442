/** The types of `paceline/static`. */
import type { FetchApp } from '../../lib/index.js';
import { type StaticOptions, serveFiles } from '../../lib/static/serve-files.js';
import { expectType } from './expect.js';

export function takesOptions(): void {
  const files = serveFiles('./public');
  expectType<(request: Request) => Response | Promise<Response>>()(files);
  serveFiles(new URL('file:///srv/files'), {
    prefix: '/assets',
    dotfiles: false,
    followSymlinks: false,
    precompressed: true,
    maxAge: 60,
    immutable: true,
    recheckMs: 1000,
    notFound: (request) => new Response(request.url, { status: 404 }),
  } satisfies Required<StaticOptions>);
  serveFiles('.', { notFound: async () => new Response() });
  ({ fetch: (request) => files(request) }) satisfies FetchApp;
  ({ fetch: files }) satisfies FetchApp;
}

export function refusesWhatIsNoOption(): void {
  // @ts-expect-error: a folder is needed
  serveFiles();
  // @ts-expect-error: the name is misspelled
  serveFiles('.', { maxage: 1 });
  // @ts-expect-error: a time is a number of seconds
  serveFiles('.', { maxAge: '1h' });
  // @ts-expect-error: it is on or off
  serveFiles('.', { dotfiles: 'allow' });
  // @ts-expect-error: what is not found is answered with a Response
  serveFiles('.', { notFound: () => 'not found' });
}
