/** The routes of a thread that has learned nothing yet, and whose app declares nothing unless told. */
import { Routes } from '../../../lib/http/routes.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { DeclaredRoutes } from '../../../lib/routes/declared-routes.js';
import { RouteTable } from '../../../lib/routes/route-table.js';

export function makeRoutes(declaration?: unknown, memory = allocateMemory(1, 1, 1).routes): Routes {
  return new Routes(new RouteTable(memory, 0), new DeclaredRoutes(declaration));
}
