/** Requests as the bytes of their method and target, for the functions that take places in them. */
import type { DeclaredRoute, DeclaredRoutes } from '../../../lib/routes/declared-routes.js';
import { routeHash, routeName } from '../../../lib/routes/route-key.js';

type Place = readonly [bytes: Uint8Array, methodStart: number, methodEnd: number, from: number, to: number];

/** The method and target of `GET /path`, in the middle of other bytes. A string's characters are its bytes. */
function placeOf(request: string): Place {
  const before = 'POST /9/';
  const space = request.indexOf(' ');
  const bytes = Buffer.from(`${before}${request}/1?2`, 'latin1');
  const start = before.length;
  return [bytes, start, start + space, start + space + 1, start + request.length];
}

export const hashOf = (request: string): number => routeHash(...placeOf(request));
export const nameOf = (request: string): string => routeName(...placeOf(request));
export const declarationOf = (routes: DeclaredRoutes, request: string): DeclaredRoute | undefined =>
  routes.routeOf(...placeOf(request));
