/**
 * The web classes that a suite runs under:
 *
 * - `plain`: Node's own
 * - `installed`: Paceline's, as an app sees them: what an app constructs is a light Response or Headers, and a real Request
 * - `received`: in addition, `new Request` makes objects like those of a received request, where one can be received
 *   (received.ts), so that tests which construct their objects reach that class too
 *
 * Paceline's modules patch prototypes when they are imported, so they are imported on demand.
 */
export const CLASSES = ['plain', 'installed', 'received'] as const;
export type Classes = (typeof CLASSES)[number];

/** Those of Paceline, each of which is compared with `plain`. */
export const OURS = ['installed', 'received'] as const satisfies readonly Classes[];

/** Replaces the global classes of this thread. To be called once, before anything else uses them. */
export async function installClasses(classes: Classes): Promise<void> {
  if (classes === 'plain') return;
  const { installResponse } = await import('../../lib/web/light-response.js');
  installResponse();
  if (classes === 'received') (await import('./received.js')).installReceived();
}
