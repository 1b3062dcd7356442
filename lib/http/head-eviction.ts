/**
 * Makes room in the block pool before it is full of heads that nobody finishes.
 *
 *   0 ──────────────────────── TARGET ─── HIGH ─── size
 *       nothing happens           ◀─ evict ─┘  └─ a head that finds no block is answered with 503
 *
 * A thread that saves input and finds the pool above HIGH evicts heads until it is at TARGET: each is answered with 408, as if its
 * time were up. They are chosen so that what remains is shared fairly. A head stands at as many blocks as its client's network
 * holds in it and in the heads that came after it; those that stand highest go first. So a network that holds more than the others
 * loses its oldest heads until it holds what the others do, and among equals the oldest go. Where all clients have one address,
 * as behind a proxy, it is simply the oldest heads, and below HIGH nobody has a limit.
 *
 * The shares are found by a look at all records, instead of being counted as heads come and go: there is no count to be kept right
 * when a thread dies, and whoever finds the pool below HIGH pays for one load. The look takes milliseconds, and there is one for
 * each HIGH - TARGET of blocks that clients fill. It sees records that change meanwhile; so a record that was chosen is entered
 * like any other, and looked at again.
 */

import type { Deferred, ThreadContext } from '../connection/event-handler.js';
import { HEADS_REFUSED } from '../memory/counters.js';
import { BLOCK_BYTES, TICK } from '../memory/layout.js';
import {
  deadlineOf,
  networkOf,
  nextSaved,
  savedBlock,
  savedLength,
  storeDeadline,
} from '../set/handle-record.js';
import { IDLE, TIMED_OUT } from '../set/handle-table.js';
import { remoteAddress } from '../sys/socket.js';

/** Shares of the pool. The dashboard warns from 0.8 on, so it does as long as heads have to be evicted. */
const HIGH = 7 / 8;
const TARGET = 13 / 16;

/** Connections that one dispatch ends; the rest is own work of the thread, so that its others have their turn. */
const MAX_EVICTIONS_PER_DISPATCH = 32;

/** An unfinished head, as a look at its record found it. */
interface Head {
  readonly fd: number;
  readonly generation: number;
  readonly network: number;
  readonly blocks: number;
  /** In ticks, which wrap; the later a head began, the later. */
  readonly deadline: number;
  /** The blocks of its network in it and in later heads. */
  standing: number;
}

export class HeadEviction implements Deferred {
  readonly #context: ThreadContext;
  readonly #high: number;
  readonly #target: number;
  /** Heads to be evicted, the first one last. */
  #chosen: Head[] = [];
  #underWay = false;
  #evicted = 0;
  /** Of the first client evicted: of the network that held the most. */
  #address = '';

  constructor(context: ThreadContext) {
    this.#context = context;
    this.#high = Math.floor(context.pool.size * HIGH);
    this.#target = Math.floor(context.pool.size * TARGET);
  }

  /** Input has been saved. */
  saved(): void {
    const { defer, pool } = this.#context;
    if (this.#underWay || pool.inUse() <= this.#high) return;
    this.#underWay = true;
    this.#evicted = 0;
    this.#address = '';
    // This thread is inside a connection.
    defer(this);
  }

  /** No block was left for a head, which is going to be refused. @returns false, as what found none does */
  refused(): false {
    const { counters, log } = this.#context;
    counters[HEADS_REFUSED]!++;
    log('warn', 'a request was refused with 503: the memory for unfinished heads is full');
    return false;
  }

  /** Goes on with the eviction. */
  proceed(): void {
    const { defer, pool } = this.#context;
    if (this.#chosen.length === 0) this.#chosen = this.#choose();
    const before = this.#evicted;
    while (this.#chosen.length > 0 && pool.inUse() > this.#target) {
      if (this.#evicted - before === MAX_EVICTIONS_PER_DISPATCH) {
        defer(this);
        return;
      }
      this.#evict(this.#chosen.pop()!);
    }
    this.#finish();
  }

  abort(): void {
    this.#finish();
  }

  #finish(): void {
    const { log, pool } = this.#context;
    this.#chosen = [];
    this.#underWay = false;
    if (this.#evicted === 0) return;
    log('warn', 'the oldest unfinished requests were refused with 408: the memory for them is nearly full', {
      refused: this.#evicted,
      address: this.#address,
      blocks: pool.inUse(),
      limit: pool.size,
    });
  }

  /** The heads that have to go, the first one last. */
  #choose(): Head[] {
    const heads = this.#look();
    const networks = new Map<number, number>();
    heads.sort((one, other) => (other.deadline - one.deadline) | 0);
    for (const head of heads) {
      head.standing = (networks.get(head.network) ?? 0) + head.blocks;
      networks.set(head.network, head.standing);
    }
    // Stable, so among equals the latest stay first.
    heads.sort((one, other) => one.standing - other.standing);
    let excess = this.#context.pool.inUse() - this.#target;
    let from = heads.length;
    while (from > 0 && excess > 0) excess -= heads[--from]!.blocks;
    return heads.slice(from);
  }

  #look(): Head[] {
    const { table } = this.#context;
    const heads: Head[] = [];
    const end = table.end();
    for (let fd = nextSaved(table, 0); fd < end; fd = nextSaved(table, fd + 1)) {
      if (table.state(fd) !== IDLE) continue;
      heads.push({
        fd,
        generation: table.generation(fd),
        network: networkOf(table, fd),
        blocks: Math.ceil(savedLength(table, fd) / BLOCK_BYTES),
        deadline: deadlineOf(table, fd),
        standing: 0,
      });
    }
    return heads;
  }

  #evict({ fd, generation }: Head): void {
    const { control, counters, process, self, table } = this.#context;
    if (!table.enterIdle(fd, generation, self)) return;
    if (savedBlock(table, fd) !== 0) {
      storeDeadline(table, fd, Atomics.load(control, TICK) || -1);
      if (this.#evicted++ === 0) this.#address = remoteAddress(fd)?.address ?? '';
      counters[HEADS_REFUSED]!++;
    }
    // A head that has been finished meanwhile has a deadline to come: it is left as it is.
    process(fd, TIMED_OUT);
  }
}
