/*
 * The election and parking protocol of Paceline, for spin. Each configuration is explored exhaustively for three threads.
 *
 *   in the model                     in the code
 *   join, promoteNewLeader           lib/set/thread-set.ts, ThreadSet
 *   revokeLeadership                 lib/set/thread-set.ts
 *   park, wakeOne, wake,             lib/set/parking-lot.ts, ParkingLot; lowestParked is ParkingLot.#lowestParked
 *   forget, wakeAll
 *   setBit, clearBit                 lib/set/parking-lot.ts
 *   claim, takeNoted                 lib/set/handle-table.ts, HandleTable, for one bound handle a thread
 *   mail, sweep                      lib/set/mailbox.ts: MAIL_PUT ≠ MAIL_TAKEN, and MAIL_OVERFLOW
 *   pending, rescan                  lib/set/ready-list.ts: the kernel's events with the ready list's, and RESCAN
 *   Worker                           lib/thread/turns.ts, the loop of a thread
 *   Reviver                          the control plane, after a worker's exit
 *   World                            the kernel, clients, timers
 *
 * One Atomics operation is one step and so is one system call. `d_step` makes a read-modify-write, or ties ghost words
 * (those that only the claims read) and locals to the step that they belong to; it never joins two operations. Two
 * loads are left out because they add no behaviour: the one before the AND of clearBit and the one before the
 * compare-and-exchange of join. When it says no, so would the exchange at that moment; when it says yes, nothing
 * depends on it. The thread's words of its own work (mailbox, sweep, loop) are read together: nobody but the thread
 * clears them, so "none" at the last load was "none" at all of them.
 *
 * Configurations, by -D; they may be combined, the price is the number of states. A set of threads is a number of bits.
 *   (none)        events, handlers that may never end, threads in Atomics.wait
 *   HANDOFF=set   an event may belong to a handle bound to a thread of the set; unless DEATH is defined, a handler
 *                 there may also leave work in its thread's local queue
 *   LOOP=set      a thread of the set parks in Atomics.wait or beside its own loop, which may have work at any time
 *   DEATH=set     a thread of the set dies, once, between any two steps; the reviver runs beside the others; a
 *                 replacement may come
 *   EVENTS=n      events that may be ready at once; there is no bound on how many come in all, except
 *   SUPPLY=n      events that come in all
 *   PROMISE       the claim `served` instead of the claims at rest
 * Broken variants, by -DBROKEN_…, must fail; each is explained where it bends the protocol.
 *
 * Claims:
 *   one leader       at most one thread is between a successful join and the end of its leadership.
 *   at rest          World may fall silent at any point; then, when nothing can move any more:
 *     events taken     no event is ready or lost,
 *     own work done    no hand-off or other work of its own is left to a living thread,
 *     somebody leads   and a living thread waits in the kernel,
 *                    each unless every living thread is in a handler that never ends (for own work: that thread is).
 *                    A wake-up that is missing, and a deadlock, are rests that should not be.
 *   served           once World is silent that rest is reached on every schedule, fair or not: nobody spins for ever.
 */

#define N 3
#define NOBODY N
#if defined(LOOP) || defined(TIMER)
#define TURNS_LOOP
#endif
/* Whether a configuration's macro, a set of threads as bits, has this one. */
#define IS(macro, t) ((macro >> (t)) & 1)
/* Events that may wait at once. One that is taken and one that is left to the next leader. */
#ifndef EVENTS
#define EVENTS 2
#endif

/* ---- shared words (lib/memory/layout.ts) ---- */

byte LEADER;               /* 0, or 1 + the leader */
byte WAKING;               /* 0, or 1 + the thread that a promotion is waking */
byte PARKED;               /* a bit for each thread */
byte WATCH;                /* 0, or 1 + the thread on watch */
/*
 * EPOCH, as the only question that is ever asked: did anybody lead since the one on watch last loaded it? That is exact
 * unless 2^32 leaderships begin within one nap. Nobody else reads it, so it is 0 while nobody is on watch.
 */
bit moved;
#ifdef LOOP
byte PARKED_IN_LOOP;
bit doorbell[N];           /* an eventfd: readable or not; reading it takes the whole count, so a bit is exact */
bit loopAlive[N];          /* the thread's loop has timers or I/O: work may come, and it may not sleep in Atomics.wait */
#endif
#ifdef TURNS_LOOP
bit loopWork[N];           /* the loop's descriptor is readable, or its timer due */
#endif
/*
 * CELL, as the only question that is ever asked: has it been counted since its owner last loaded it? That is exact
 * unless 2^32 wake-ups are given within one parking. Nobody else reads the cell.
 */
bit counted[N];
bit asleep[N];             /* in the queue of Atomics.wait */

byte pending;              /* events in the kernel or in the ready list; only the leader takes */
#ifdef HANDOFF
bit noted[N];              /* the state word of the handle that is bound to this thread: an event is noted */
bit queued[N];             /*   QUEUED */
bit mail[N];               /* MAIL_PUT ≠ MAIL_TAKEN: one handle, queued once, so one entry at most */
bit queue[N];              /* the thread's local queue */
#endif
#ifdef DEATH
bit rescan;
#ifdef HANDOFF
bit sweep[N];              /* MAIL_OVERFLOW */
#endif
#endif

/* ---- ghost: for the claims ---- */

byte leaders;
bit stuck[N];              /* in a handler that never ends */
bit silent;                /* World gives nothing more */
#ifdef DEATH
byte doomed = NOBODY;      /* dies before its next step */
byte dead = NOBODY;        /* its exit is known to the control plane, which has not finished with it */
bit mortal = 1;            /* nobody has died yet */
bit alive[N];
bit inHand[N];             /* has an event that it took from the list and has not claimed */
bit lost;                  /* an event died with its leader */
#define ALIVE(t) alive[t]
#define HAND(t, v) inHand[t] = v
#else
#define ALIVE(t) 1
#define HAND(t, v) skip
#endif

#define OUTSIDE(t) (ALIVE(t) && !stuck[t])
#ifdef HANDOFF
#define NO_MAIL(t) (!noted[t] && !queue[t])
#else
#define NO_MAIL(t) 1
#endif
#ifdef TURNS_LOOP
#define NO_LOOP_WORK(t) (!loopWork[t])
#else
#define NO_LOOP_WORK(t) 1
#endif
#ifdef DEATH
#define NONE_LOST (!lost && dead == NOBODY)
#else
#define NONE_LOST 1
#endif
#define ANY_OUTSIDE (OUTSIDE(0) || OUTSIDE(1) || OUTSIDE(2))
#define LED ((LEADER == 1 && OUTSIDE(0)) || (LEADER == 2 && OUTSIDE(1)) || (LEADER == 3 && OUTSIDE(2)))
#define DONE(t) (!OUTSIDE(t) || (NO_MAIL(t) && NO_LOOP_WORK(t)))
#define TAKEN (!ANY_OUTSIDE || (pending == 0 && NONE_LOST))
#define OWN_DONE (DONE(0) && DONE(1) && DONE(2))
#define SOMEBODY_LEADS (!ANY_OUTSIDE || LED)

/* What is only for the thread itself to do. Nobody else ever takes it away, so its words may be read in one step. */
#ifdef HANDOFF
#ifdef DEATH
#define MAIL(t) (mail[t] || sweep[t])
#else
#define MAIL(t) mail[t]
#endif
#define QUEUE(t) queue[t]
#else
#define MAIL(t) 0
#define QUEUE(t) 0
#endif
#define OWN_WORK(t) (MAIL(t) || QUEUE(t) || !NO_LOOP_WORK(t))
/*
 * What `hasWork` of park looks at. The local queue need not be looked at: only the thread's own turns fill it, and a turn
 * that leaves something there is followed by one that takes it, before the thread can park.
 */
#ifdef BROKEN_MAIL_IGNORED
/* A thread parks without a look at its mailbox. */
#define HAS_WORK(t) 0
#else
#define HAS_WORK(t) MAIL(t)
#endif

/* ---- lib/set/parking-lot.ts ---- */

#define HAS_BIT(mask, t) ((mask >> (t)) & 1)
#define LOWEST(mask) ((mask & 1) -> 0 : ((mask & 2) -> 1 : ((mask & 4) -> 2 : NOBODY)))

inline setBit(mask, t) {
  mask = mask | (1 << (t))
}

inline clearBit(mask, t) {
  mask = mask & ~(1 << (t))
}

/* Where a mask is asked and changed by `:: d_step { HAS_BIT -> clearBit }`, this is clearBit with the result true. */
inline wake(t, woken) {
  if
  :: d_step { HAS_BIT(PARKED, t) -> clearBit(PARKED, t) };
    counted[t] = 1;                                     /* Atomics.add */
    d_step { asleep[t] = 0; woken = 1 }                 /* Atomics.notify */
#ifdef LOOP
  :: !HAS_BIT(PARKED, t) ->
    if
    :: d_step { HAS_BIT(PARKED_IN_LOOP, t) -> clearBit(PARKED_IN_LOOP, t) };
      d_step { doorbell[t] = 1; woken = 1 }             /* signalEventCounter */
    :: d_step { !HAS_BIT(PARKED_IN_LOOP, t) -> woken = 0 }
    fi
#else
  :: d_step { !HAS_BIT(PARKED, t) -> woken = 0 }
#endif
  fi
}

/* LOWEST(PARKED), and if that is nobody LOWEST(PARKED_IN_LOOP), is ParkingLot.#lowestParked. */
inline wakeOne() {
  do
  :: d_step { WAKING != 0 -> candidate = NOBODY }; break
  :: WAKING == 0 ->
    if
    :: d_step { LOWEST(PARKED) != NOBODY -> candidate = LOWEST(PARKED) }
#ifdef LOOP
    :: LOWEST(PARKED) == NOBODY ->
      if
      :: d_step { LOWEST(PARKED_IN_LOOP) != NOBODY -> candidate = LOWEST(PARKED_IN_LOOP) }
      :: d_step { LOWEST(PARKED_IN_LOOP) == NOBODY -> candidate = NOBODY }; break
      fi
#else
    :: d_step { LOWEST(PARKED) == NOBODY -> candidate = NOBODY }; break
#endif
    fi;
    if
    :: d_step { WAKING == 0 -> WAKING = candidate + 1 }
    :: d_step { WAKING != 0 -> candidate = NOBODY }; break
    fi;
    wake(candidate, woken);
    if
    :: d_step { woken -> woken = 0; candidate = NOBODY }; break
#ifdef BROKEN_MARK_LEFT
    /* The thread that was up already stays the one that is waited for. */
    :: d_step { !woken -> candidate = NOBODY }; break
#else
    :: d_step { !woken -> if :: WAKING == candidate + 1 -> WAKING = 0 :: else fi }
#endif
    fi;
#ifndef BROKEN_NO_SECOND_LOOK
    /*
     * Somebody leads already, so nobody has to be woken. BROKEN_NO_SECOND_LOOK: without this a waker and a thread that
     * has mail may follow each other round for ever while the leader sleeps in the kernel: the one names a thread that
     * gets up just then, the other is named and tries to lead instead of looking at its mail.
     */
    if
    :: d_step { LEADER != 0 -> candidate = NOBODY }; break
    :: LEADER == 0
    fi
#endif
  od
}

#ifdef LOOP
inline waitInLoop() {
#ifdef BROKEN_DRAIN_FIRST
  /* The doorbell is drained before the wait and after the bit is set: that may swallow a ring meant for this wait. */
  doorbell[me] = 0;
  (doorbell[me] || loopWork[me])
#else
  (doorbell[me] || loopWork[me]);
  doorbell[me] = 0                                      /* drainEventCounter */
#endif
}
#define IN_LOOP loopAlive[me]
#else
#define IN_LOOP 0
#endif
/* A nap that ends before its time: the thread was woken, or its loop has work. */
#ifdef LOOP
#define NAP_CUT ((!IN_LOOP && counted[me]) || (IN_LOOP && doorbell[me]) || loopWork[me])
#elif defined(TIMER)
#define NAP_CUT (counted[me] || loopWork[me])
#else
#define NAP_CUT counted[me]
#endif

/* `sleep` of Sleep, in Atomics.wait. It has a time limit if the thread has a timer. */
inline sleepInCell() {
#ifdef BROKEN_NO_COMPARE
  /* The wait does not compare the cell: a wake-up between the bit and the sleep is missed. */
  asleep[me] = 1;
#else
  d_step { asleep[me] = !counted[me] };
#endif
#ifdef TIMER
  d_step { !asleep[me] || loopWork[me] -> asleep[me] = 0 }
#else
  !asleep[me]
#endif
}

inline sleep() {
  if
  :: !IN_LOOP -> sleepInCell()
#ifdef LOOP
  :: IN_LOOP -> waitInLoop()
#endif
  fi
}

/* ---- lib/set/watch.ts ---- */

/* Only the thread itself sets and clears this while it lives. */
#define ON_WATCH (WATCH == me + 1)

inline begin() {
  if
  :: d_step { WATCH == 0 -> WATCH = me + 1 };
    moved = 0                                           /* Atomics.load(EPOCH) */
  :: WATCH != 0
  fi
}

inline end() {
  d_step { WATCH = 0; moved = 0 }
}

/* Off watch, it looks at LEADER again; ThreadSet.park. */
inline relied() {
#if defined(BROKEN_RELIED_ALWAYS)
  /* It counts on itself as relied upon even if somebody leads. */
  promoted = 1
#elif !defined(BROKEN_RELIED_IGNORED)
  d_step { promoted = promoted || LEADER == 0 }
#endif
}

/*
 * Naps, and looks around after each; ThreadSet.#keepWatch. A nap may be over at any time. Naps are counted nowhere:
 * a look that found LEADER held and nothing changed, and naps on, has changed nothing itself, and so is no more than a longer nap.
 */
inline keepWatch() {
  do
  :: NAP_CUT ->
#ifdef LOOP
    if :: IN_LOOP -> doorbell[me] = 0 :: !IN_LOOP fi;
#endif
    break
  :: d_step { changed = moved; moved = 0 };             /* Watch.look */
    if
    :: d_step { LEADER != 0 && changed -> changed = 0 }
    :: LEADER != 0 && !changed ->
      end();                                            /* STAND_DOWN */
#ifdef BROKEN_STAND_DOWN_BLIND
      sleep();
#else
      if
      :: d_step { LEADER == 0 -> promoted = 1 }
      :: LEADER != 0 -> sleep()
      fi;
#endif
      break
    :: LEADER == 0 && !changed -> break                 /* STEP_IN, a stall */
    :: d_step { LEADER == 0 && changed -> changed = 0 }
    :: d_step { LEADER == 0 && changed -> changed = 0 }; break    /* STEP_IN, a backlog */
    fi
  od
}

inline park() {
#ifndef BROKEN_BEGIN_LATE
  begin();
#endif
  counted[me] = 0;                                      /* seen = Atomics.load(CELL) */
#ifdef BROKEN_LOOK_FIRST
  /* The reason to stay up is looked for before the bit is set. */
  woken = (LEADER == 0);
  d_step { woken = woken || HAS_WORK(me) };
#endif
  if
  :: d_step { !IN_LOOP -> setBit(PARKED, me) }
#ifdef LOOP
  :: d_step { IN_LOOP -> setBit(PARKED_IN_LOOP, me) }
#endif
  fi;
  /* stayUp: LEADER == 0 || hasWork() */
  if
#ifdef BROKEN_LOOK_FIRST
  :: woken
  :: !woken ->
#else
  :: LEADER == 0
  :: LEADER != 0 ->
#endif
    if
    :: HAS_WORK(me)
#ifdef BROKEN_BEGIN_LATE
    :: !HAS_WORK(me) -> begin(); if :: ON_WATCH -> keepWatch() :: !ON_WATCH -> sleep() fi
#else
    :: !HAS_WORK(me) && !ON_WATCH -> sleep()
    :: !HAS_WORK(me) && ON_WATCH -> keepWatch()
#endif
    fi
  fi;
#ifdef LOOP
  if
  :: d_step { !IN_LOOP -> clearBit(PARKED, me) }
  :: d_step { IN_LOOP -> clearBit(PARKED_IN_LOOP, me) }
  fi;
#else
  clearBit(PARKED, me);
#endif
#ifdef BROKEN_WAKING_LATE
  /* The woken thread clears WAKING only after it tried to lead. */
  d_step { promoted = promoted || (WAKING == me + 1); woken = 0 };
#else
  d_step { promoted = promoted || (WAKING == me + 1); woken = 0; clearWaking() };
#endif
#ifndef BROKEN_END_LATE
  if
  :: ON_WATCH -> end(); relied()
  :: !ON_WATCH
  fi
#endif
}

inline clearWaking() {
  if :: WAKING == me + 1 -> WAKING = 0 :: else fi
}

/* ---- lib/set/thread-set.ts ---- */

/* Where join is true. It is false when LEADER != 0. */
inline join() {
  leaders++;
  assert(leaders <= 1);
  LEADER = me + 1
}

inline promoteNewLeader() {
#ifdef BROKEN_SUFFICES_FIRST
  /* The leader looks for one on watch before it vacates. */
  woken = (WATCH != 0);
  d_step { assert(LEADER == me + 1 && leaders == 1); LEADER = 0; leaders-- };
  if
  :: woken -> woken = 0
  :: !woken -> wakeOne()
  fi
#else
  d_step { assert(LEADER == me + 1 && leaders == 1); LEADER = 0; leaders-- };
  /* Watch.suffices. EAGER may be positive at any time: the choice to wake somebody although one is on watch. */
  if
  :: WATCH != 0
#ifdef BROKEN_NO_WAKE
  :: WATCH == 0
#else
  :: wakeOne()
#endif
  fi
#endif
}

/* ---- lib/thread/turns.ts ---- */

/* User code. It ends, or never does; it may leave a piece of work in the local queue, or something alive in the loop. */
inline handle() {
  if
  :: true
  :: stuck[me] = 1; false
#if defined(HANDOFF) && !defined(DEATH)
  :: d_step { !silent && IS(HANDOFF, me) -> queue[me] = 1 }
#endif
#ifdef LOOP
  :: d_step { !silent && IS(LOOP, me) && !loopAlive[me] -> loopAlive[me] = 1 }
  :: d_step { loopAlive[me] && !loopWork[me] -> loopAlive[me] = 0 }
#endif
  fi
}

/* A thread's own work, one piece: its local queue, then hand-offs, then a pass through its loop. The rest is next turn's. */
inline takeOwnWork() {
#if defined(HANDOFF) || defined(TURNS_LOOP)
  if
#ifdef HANDOFF
  :: d_step { queue[me] -> queue[me] = 0 }
  :: d_step { !queue[me] && mail[me] -> mail[me] = 0 }; takeNoted(me)
#ifdef DEATH
  :: d_step { !queue[me] && !mail[me] && sweep[me] -> sweep[me] = 0 }; takeNoted(me)
#endif
#endif
#ifdef TURNS_LOOP
  :: d_step { !MAIL(me) && !QUEUE(me) && loopWork[me] -> loopWork[me] = 0 }
#endif
  fi
#else
  assert(false)
#endif
}

inline takeNoted(t) {
  d_step { noted[t] = 0; queued[t] = 0 }
}

#ifdef HANDOFF
/* A dead thread's handle stays bound to it, and may get hand-offs, until the control plane closes it. */
#ifdef DEATH
#define BOUND(t) (alive[t] || dead == t)
#else
#define BOUND(t) 1
#endif
#define CLAIM(t) d_step { me != t && IS(HANDOFF, t) && BOUND(t) -> target = t; HAND(me, 0); woken = !queued[t]; noted[t] = 1; queued[t] = 1 }
#endif

/* Takes one event from the ready list, or waits for one, then finds out whom it belongs to; until it has one to process. */
inline lead() {
  do
  ::
#ifdef DEATH
    /* ReadyList.refill, before it asks the kernel. */
    if
    :: d_step { rescan -> rescan = 0; if :: lost -> lost = 0; pending++ :: else fi }
    :: !rescan
    fi;
#endif
    /* The zero-time wait, the blocking wait and the take: one step, for no other thread can tell. */
    if
    :: d_step { pending > 0 -> pending--; HAND(me, 1); assert(leaders == 1 && LEADER == me + 1) }
#ifdef TURNS_LOOP
    :: pending == 0 && loopWork[me] -> break
#endif
    fi;
#ifdef HANDOFF
    /* HandleTable.claim: ENTERED; or it is bound, and HAND_OFF, or NOTED if an entry for it is queued already. */
    if
    :: d_step { true -> mine = 1; HAND(me, 0) }; break
    :: CLAIM(0)
    :: CLAIM(1)
    :: CLAIM(2)
    fi;
    if
    :: woken ->
#ifdef BROKEN_WAKE_BEFORE_PUT
      /* The thread is woken before its entry is in the mailbox. */
      wake(target, woken);
      d_step { mail[target] = 1; woken = 0; target = 0 }
#else
      mail[target] = 1;                                 /* Mailbox.put */
      wake(target, woken);
      d_step { woken = 0; target = 0 }
#endif
    :: d_step { !woken -> target = 0 }
    fi
#else
    d_step { mine = 1; HAND(me, 0) };
    break
#endif
  od
}

inline turns() {
  do
  ::
    if
#ifdef BROKEN_OWN_WORK_FIRST
    /* A thread that a promotion woke begins with its own work all the same. */
    :: d_step { OWN_WORK(me) -> promoted = 0 }; takeOwnWork()
    :: d_step { !OWN_WORK(me) -> promoted = 0 };
#else
    :: !promoted && OWN_WORK(me) -> takeOwnWork()
    :: d_step { promoted || !OWN_WORK(me) -> promoted = 0 };
#endif
      if
#ifdef BROKEN_NO_CAS
      /* Leadership is taken by a load and a store instead of one exchange. */
      :: LEADER == 0 -> d_step { join() };
#else
      :: d_step { LEADER == 0 -> join() };
#endif
        d_step { moved = (WATCH != 0) };                /* Atomics.store(EPOCH) */
#ifdef BROKEN_WAKING_LATE
        d_step { clearWaking() };
#endif
        if
#ifdef BROKEN_LEAD_WITH_MAIL
        /* The new leader does not look for work of its own once more before it waits. */
        :: true ->
#else
        :: OWN_WORK(me)
        :: !OWN_WORK(me) ->
#endif
          lead()
        fi;
        promoteNewLeader();
        if
        :: d_step { mine -> mine = 0 }
        :: !mine -> takeOwnWork()
        fi
      :: LEADER != 0 ->
#ifdef BROKEN_WAKING_LATE
        d_step { clearWaking() };
#endif
#ifdef BROKEN_END_LATE
        d_step { if :: ON_WATCH -> WATCH = 0; moved = 0 :: else fi };
#endif
#ifdef TURNS_LOOP
        if
        :: loopWork[me] -> loopWork[me] = 0             /* a timer is due: #backToLoop */
        :: park();
          goto again
        fi
#else
        park();
        goto again
#endif
      fi
    fi;
    handle();
again:
    skip
  od
}

proctype Worker(byte me) {
  bit promoted, woken, mine, changed;
  byte candidate = NOBODY;
#ifdef HANDOFF
  byte target;
#endif
#ifdef DEATH
  do
  :: { turns() } unless {
      d_step {
        doomed == me ->
        doomed = NOBODY;
        dead = me;
        alive[me] = 0;
        asleep[me] = 0;
        stuck[me] = 0;
        if :: inHand[me] -> lost = 1; inHand[me] = 0 :: else fi;
        if :: LEADER == me + 1 -> leaders-- :: else fi;
#ifdef HANDOFF
        queue[me] = 0;
        target = 0;
#endif
#ifdef LOOP
        loopAlive[me] = 0;
#endif
#ifdef TURNS_LOOP
        loopWork[me] = 0;
#endif
        promoted = 0;
        woken = 0;
        mine = 0;
        changed = 0;
        candidate = NOBODY
      }
    };
    alive[me]                                           /* the replacement has begun */
  od
#else
  turns()
#endif
}

#ifdef DEATH
/* ---- the control plane, after a worker's exit ---- */

/* What the dead leader had in hand is asked for again. */
inline repair() {
  rescan = 1;
#ifdef HANDOFF
  if :: IS(HANDOFF, 0) -> sweep[0] = 1 :: else fi;      /* Mailbox.requestSweep */
  if :: IS(HANDOFF, 1) -> sweep[1] = 1 :: else fi;
  if :: IS(HANDOFF, 2) -> sweep[2] = 1 :: else fi
#endif
}

inline revokeLeadership(d) {
  d_step { if :: LEADER == d + 1 -> LEADER = 0 :: else fi };
#if !defined(BROKEN_WATCH_KEPT) && !defined(BROKEN_WATCH_LATE)
  /* BROKEN_WATCH_KEPT: the dead thread stays on watch. */
  revokeWatch(d)
#endif
}

inline revokeWatch(d) {
  d_step { if :: WATCH == d + 1 -> WATCH = 0; moved = 0 :: else fi }
}

inline wakeAgain(t) {
#ifdef BROKEN_CLAIMED_LEFT
  /* Only those whose bit is set are woken: the one that the dead thread had claimed is left out. */
  wake(t, woken);
  woken = 0
#else
  clearBit(PARKED, t);
#ifdef LOOP
  clearBit(PARKED_IN_LOOP, t);
#endif
  counted[t] = 1;
#ifdef LOOP
  asleep[t] = 0;
  doorbell[t] = 1
#else
  asleep[t] = 0
#endif
#endif
}

inline wakeAll() {
  wakeAgain(0);
  wakeAgain(1);
  wakeAgain(2)
}

inline forget(d) {
  clearBit(PARKED, d);
#ifdef LOOP
  clearBit(PARKED_IN_LOOP, d);
#endif
#ifndef BROKEN_WAKING_KEPT
  /* BROKEN_WAKING_KEPT: the wake-up in flight is not forgotten. */
  WAKING = 0;
#endif
#ifndef BROKEN_WAKE_NOBODY
  /* BROKEN_WAKE_NOBODY: the others are not woken. */
  wakeAll()
#endif
}

proctype Reviver() {
  bit woken;
  byte gone;
  d_step { dead != NOBODY -> gone = dead };
#ifndef BROKEN_REPAIR_LATE
  repair();
#endif
#ifndef BROKEN_NO_REVOKE
  /* BROKEN_NO_REVOKE: leadership stays with the dead. */
  revokeLeadership(gone);
#endif
  forget(gone);
#ifdef BROKEN_WATCH_LATE
  /* The dead thread is taken off watch only when everybody was woken. */
  revokeWatch(gone);
#endif
#ifdef BROKEN_REPAIR_LATE
  /* What the dead leader had in hand is asked for only when its successor may be waiting already. */
  repair();
#endif
  d_step {
#ifdef HANDOFF
    noted[gone] = 0; queued[gone] = 0; mail[gone] = 0; sweep[gone] = 0;   /* its connections are closed, Mailbox.clear */
#endif
    dead = NOBODY
  };
  if
  :: true                                               /* no replacement, or not yet */
  :: alive[gone] = 1
  fi
}
#endif

proctype World() {
  bit eventsTaken, ownWorkDone, somebodyLeads;          /* names for spin to print */
#ifdef SUPPLY
  byte supply;
#endif
  do
#ifdef SUPPLY
  :: d_step { !silent && pending < EVENTS && supply < SUPPLY -> pending++; supply++ }
#else
  :: d_step { !silent && pending < EVENTS -> pending++ }
#endif
#ifdef LOOP
  :: d_step { !silent && loopAlive[0] && !loopWork[0] -> loopWork[0] = 1 }
  :: d_step { !silent && loopAlive[1] && !loopWork[1] -> loopWork[1] = 1 }
  :: d_step { !silent && loopAlive[2] && !loopWork[2] -> loopWork[2] = 1 }
#endif
#ifdef TIMER
  :: d_step { !silent && IS(TIMER, 0) && !loopWork[0] -> loopWork[0] = 1 }
  :: d_step { !silent && IS(TIMER, 1) && !loopWork[1] -> loopWork[1] = 1 }
  :: d_step { !silent && IS(TIMER, 2) && !loopWork[2] -> loopWork[2] = 1 }
#endif
#ifdef DEATH
  :: d_step { mortal && !silent && IS(DEATH, 0) -> mortal = 0; doomed = 0 }
  :: d_step { mortal && !silent && IS(DEATH, 1) -> mortal = 0; doomed = 1 }
  :: d_step { mortal && !silent && IS(DEATH, 2) -> mortal = 0; doomed = 2 }
#endif
  :: d_step { !silent -> silent = 1 }
#ifndef PROMISE
  :: timeout ->
    d_step { eventsTaken = TAKEN; ownWorkDone = OWN_DONE; somebodyLeads = SOMEBODY_LEADS };
    assert(eventsTaken);                                /* else a lost wake-up: an event waits, and so does a thread */
    assert(ownWorkDone);                                /* else a hand-off, or other work of a thread's own, was left */
    assert(somebodyLeads);                              /* else nobody would see the next event */
    break
#endif
  od
}

init {
  atomic {
#ifdef DEATH
    alive[0] = 1; alive[1] = 1; alive[2] = 1;
    run Reviver();
#endif
    run Worker(0);
    run Worker(1);
    run Worker(2);
    run World()
  }
}

#ifdef PROMISE
ltl served { [] (silent -> <> (TAKEN && OWN_DONE && SOMEBODY_LEADS)) }
#endif
