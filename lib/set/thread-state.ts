/**
 * The states of a thread of the set.
 *
 *              app loaded               joined, no leader              an event came, new leader promoted
 *   STARTING ──────────────▶ FOLLOWER ─────────────────────▶ LEADER ─────────────────────────────────────▶ PROCESSING
 *                               ▲        promoted             ▲ │                                              │  │
 *                               │                             │ └─ event hand-off: goes on leading             │  │
 *                               │                             └───── finished, no leader present ─────────────┘  │
 *                               └─────────────────────────────────── finished, another leads ────────────────────┘
 *   LEADER ── yields to a host ──▶ FOLLOWER
 *   FOLLOWER ── work of its own: a hand-off, its event loop ──▶ PROCESSING
 *   any state ── the thread's exit ──▶ DEAD ── replaced ──▶ STARTING
 */
export const DEAD = 0;
export const STARTING = 1;
export const FOLLOWER = 2;
export const LEADER_STATE = 3;
export const PROCESSING = 4;

export const STATE_NAMES = ['dead', 'starting', 'follower', 'leader', 'processing'] as const;
export type ThreadState = (typeof STATE_NAMES)[number];
