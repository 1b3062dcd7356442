// Which targets can run on this machine.

import { existsSync } from 'node:fs';
import type { Peers } from './peers.js';
import { PACELINE, type Target } from './targets.js';
import { findNginx, onPath } from './tools.js';

/** Why a target cannot run on this machine; undefined if it can. */
export function missing(target: Target, peers: Peers): string | undefined {
  const { kind } = target;
  if (kind.startsWith('paceline') && !existsSync(PACELINE)) return `${PACELINE} is not built`;
  if (kind === 'nginx' && !findNginx()) return 'nginx is not installed';
  if (kind === 'bun' && !peers.bun) return 'bun is neither on PATH nor installed; --bun FILE names one';
  if (kind === 'deno' && !peers.deno) return 'deno is neither on PATH nor installed';
  if (kind === 'piscina' && !peers.piscina) return 'piscina is not installed';
  if (kind === 'floor-c' && !onPath('gcc')) return 'gcc is not on PATH, which compiles it';
  return undefined;
}
