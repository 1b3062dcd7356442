/*
 * The election and parking protocol of Paceline, for spin. Each configuration is explored exhaustively for three threads.
 *
 *   in the model                     in the code
 *   join, promoteNewLeader, park,    lib/set/thread-set.ts, ThreadSet
 *   keepWatch, revokeLeadership
 *   begin, end                       lib/set/watch.ts, Watch; look is inside of keepWatch, suffices of promoteNewLeader
 *   wakeOne, wake, getUp, forget,    lib/set/parking-lot.ts, ParkingLot; park of ParkingLot is inside of ThreadSet's, and
 *   wakeAll                          lowestParked is ParkingLot.#lowestParked
 *   setBit, clearBit                 lib/set/parking-lot.ts
 *   claim, takeNoted                 lib/set/handle-table.ts, HandleTable, for one bound handle a thread
 *   mail, sweep                      lib/set/mailbox.ts: MAIL_PUT ≠ MAIL_TAKEN, and MAIL_OVERFLOW
 *   pending, rescan                  lib/set/ready-list.ts: the kernel's events with the ready list's, and RESCAN
 *   sleep                            Sleep of lib/set/parking-lot.ts, both kinds
 *   Worker                           lib/thread/turns.ts, the loop of a thread
 *   Reviver                          the control plane, after a worker's exit
 *   Reaper                           the death of a thread
 *   World                            the kernel, clients, timers
 *
 * One Atomics operation is one step and so is one system call. `d_step` makes a read-modify-write, or ties ghost words
 * (those that only the claims read) and locals to the step that they belong to; it does not join two operations, but for
 * `deliver`, which says why. Three loads are left out because they add no behaviour: those before the AND of clearBit and
 * before the compare-and-exchanges of join and of begin. When one says no, so would the exchange at that moment; when it
 * says yes, nothing depends on it. The thread's words of its own work (mailbox, sweep, loop) are read together: nobody but
 * the thread clears them, so "none" at the last load was "none" at all of them.
 *
 * Time: a nap may be over at any moment, and EAGER may be positive at any moment. EPOCH is kept, so that nobody naps on
 * at a vacancy unless somebody led since the last look.
 *
 * Configurations, by -D; they may be combined, the price is the number of states. A set of threads is a number of bits.
 *   (none)        events, handlers that may never end, threads in Atomics.wait or on watch
 *   HANDOFF=set   an event may belong to a handle bound to a thread of the set; unless DEATH is defined, a handler
 *                 there may also leave work in its thread's local queue
 *   LOOP=set      a thread of the set parks in Atomics.wait or beside its own loop, which may have work at any time
 *   TIMER=set     a thread of the set has timers without a reference: it parks in Atomics.wait, which may end by itself
 *   DEATH=set     a thread of the set dies, once, between any two steps; the reviver runs beside the others; a
 *                 replacement may come
 *   EVENTS=n      events that may be ready at once; there is no bound on how many come in all, except
 *   SUPPLY=n      events that come in all
 *   PROMISE       the claim `served` instead of the claims at rest
 * Broken variants, by -DBROKEN_…, must fail; each is explained where it bends the protocol.
 *
 * Claims:
 *   one leader       at most one thread is between a successful join and the end of its leadership.
 *   at rest          whenever no thread can move unless World gives something (AT_REST):
 *     events taken     no event is ready or lost,
 *     own work done    no hand-off or other work of its own is left to a living thread,
 *     somebody leads   and a living thread waits in the kernel,
 *                    each unless every living thread is in a handler that never ends (for own work: that thread is).
 *                    A wake-up that is missing, and a deadlock, are rests that should not be.
 *   no other rest    AT_REST has all places where a thread may wait. They have labels that begin with `end`; pan finds a
 *                    thread that can wait anywhere else ("invalid end state").
 *   served           once World is silent that rest is reached on every schedule, fair or not: nobody spins for ever.
 */

#define N 3
#define NOBODY N
/* Whether a configuration's macro, a set of threads as bits, has this one. */
#define IS(macro, t) ((macro >> (t)) & 1)
/* Events that may wait at once. One that is taken and one that is left to the next leader. */
#ifndef EVENTS
#define EVENTS 2
#endif
#if defined(LOOP) || defined(TIMER)
#define OWN_LOOP
#endif
/* Whether a thread may have work of its own; only then does it matter what a thread does first. */
#if defined(HANDOFF) || defined(OWN_LOOP)
#define OWN
#define SET_PROMOTED promoted = 1
#define SET_MINE mine = 1
#else
#define SET_PROMOTED skip
#define SET_MINE skip
#endif

/* ---- shared words (lib/memory/layout.ts) ---- */

byte LEADER;               /* 0, or 1 + the leader */
byte WATCH;                /* 0, or 1 + the thread on watch */
byte WAKING;               /* 0, or 1 + the thread that a promotion is waking */
byte PARKED;               /* a bit for each thread */
#ifdef LOOP
byte PARKED_IN_LOOP;
bit doorbell[N];           /* an eventfd: readable or not; reading it takes the whole count, so a bit is exact */
bit loopAlive[N];          /* the thread's loop has timers or I/O: work may come, and it may not sleep in Atomics.wait */
#endif
#ifdef OWN_LOOP
bit loopWork[N];           /* the loop's descriptor is readable, or its timer due */
#endif
/*
 * CELL, as the only question that is ever asked: has it been counted since its owner last loaded it? That is exact
 * unless 2^32 wake-ups are given within one parking. Nobody else reads the cell, and outside of park nobody at all.
 */
#define UNREAD 0
#define LOADED 1
#define COUNTED 2
byte cell[N];
bit asleep[N];             /* in the queue of Atomics.wait, without a nap's time limit */
/*
 * EPOCH, as the only question that is ever asked: has it been counted since the one on watch last loaded it? That is
 * exact unless 2^32 leaderships begin within one nap. Nobody else reads it, and while nobody is on watch nobody at all.
 */
bit moved;

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
#ifdef PROMISE
bit silent;                /* World gives nothing more */
#define GIVES (!silent)
#else
#define GIVES 1
#endif
#ifdef DEATH
chan die = [0] of { byte };/* a rendezvous: the thread dies at once */
byte dead = NOBODY;        /* its exit is known to the control plane, which has not finished with it */
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
#ifdef OWN_LOOP
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
#define LED_OR_NOBODY (!ANY_OUTSIDE || LED)

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

/* ---- lib/set/parking-lot.ts ---- */

#define HAS_BIT(mask, t) ((mask >> (t)) & 1)
#define LOWEST(mask) ((mask & 1) -> 0 : ((mask & 2) -> 1 : ((mask & 4) -> 2 : NOBODY)))

inline setBit(mask, t) {
  mask = mask | (1 << (t))
}

inline clearBit(mask, t) {
  mask = mask & ~(1 << (t))
}

/*
 * Atomics.add and Atomics.notify. One step, because only the thread that is woken could look between the two: if it does
 * before it sleeps it might as well look after both, and if it sleeps already it cannot tell.
 */
inline deliver(t) {
  if :: cell[t] == LOADED -> cell[t] = COUNTED :: else fi;
  asleep[t] = 0
}

/* Where a mask is asked and changed by `:: d_step { HAS_BIT -> clearBit }`, this is clearBit with the result true. */
inline wake(t, result) {
  if
  :: d_step { HAS_BIT(PARKED, t) -> clearBit(PARKED, t) };
    d_step { deliver(t); result = 1 }
#ifdef LOOP
  :: !HAS_BIT(PARKED, t) ->
    if
    :: d_step { HAS_BIT(PARKED_IN_LOOP, t) -> clearBit(PARKED_IN_LOOP, t) };
      d_step { doorbell[t] = 1; result = 1 }            /* signalEventCounter */
    :: d_step { !HAS_BIT(PARKED_IN_LOOP, t) -> result = 0 }
    fi
#else
  :: d_step { !HAS_BIT(PARKED, t) -> result = 0 }
#endif
  fi
}

/* LOWEST(PARKED), and if that is nobody LOWEST(PARKED_IN_LOOP), is ParkingLot.#lowestParked. */
inline wakeOne() {
  do
  :: WAKING != 0 -> break
  :: WAKING == 0 ->
    if
    :: d_step { LOWEST(PARKED) != NOBODY -> candidate = LOWEST(PARKED) }
#ifdef LOOP
    :: LOWEST(PARKED) == NOBODY ->
      if
      :: d_step { LOWEST(PARKED_IN_LOOP) != NOBODY -> candidate = LOWEST(PARKED_IN_LOOP) }
      :: LOWEST(PARKED_IN_LOOP) == NOBODY -> break
      fi
#else
    :: LOWEST(PARKED) == NOBODY -> break
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
    :: d_step { !woken -> if :: WAKING == candidate + 1 -> WAKING = 0 :: else fi; candidate = NOBODY }
#endif
    fi;
    /* Somebody leads already, so nobody has to be woken. */
    if
    :: LEADER != 0 -> break
    :: LEADER == 0
    fi
  od
}

#ifdef LOOP
#define IN_LOOP loopAlive[me]
#define RUNG doorbell[me]
#else
#define IN_LOOP 0
#define RUNG 0
#endif

/* The end of ParkingLot.park, however the sleep ended: the bit, then WAKING. */
inline getUp() {
  if
  :: d_step { !IN_LOOP -> clearBit(PARKED, me); cell[me] = UNREAD }
#ifdef LOOP
  :: d_step { IN_LOOP -> clearBit(PARKED_IN_LOOP, me) }
#endif
  fi;
#ifdef BROKEN_WAKING_LATE
  /* The woken thread clears WAKING only after it tried to lead. */
  d_step { promoted = promoted || (WAKING == me + 1) }
#elif defined(OWN)
  d_step { promoted = promoted || (WAKING == me + 1); clearWaking() }
#else
  d_step { clearWaking() }
#endif
}

inline clearWaking() {
  if :: WAKING == me + 1 -> WAKING = 0 :: else fi
}

/* ---- lib/set/watch.ts ---- */

/* Only the thread itself changes this while it lives. */
#define ON_WATCH (WATCH == me + 1)

inline begin() {
  if
  :: d_step { WATCH == 0 -> WATCH = me + 1 };
    moved = 0                                           /* Atomics.load(EPOCH) */
  :: WATCH != 0
  fi
}

inline leaveWatch() {
  WATCH = 0;
  moved = 0
}

/* Watch.end, at the end of ThreadSet.park. A leader may have relied on this thread. */
inline end() {
#ifdef BROKEN_RELIED_IGNORED
  /* It turns to its own work first all the same. */
  d_step { ON_WATCH -> leaveWatch() }
#else
  d_step { ON_WATCH -> leaveWatch(); SET_PROMOTED }
#endif
}

/*
 * ThreadSet.#keepWatch: naps, and looks around after each (Watch.look). A nap may be over at any time. Naps are not
 * counted: a look that finds LEADER held and nothing changed, and naps on, is no more than a longer nap.
 */
inline keepWatch() {
  do
  /* It is woken, or its loop has work. */
  :: ON_WATCH && !IN_LOOP && cell[me] == COUNTED -> break
#ifdef LOOP
  :: d_step { ON_WATCH && IN_LOOP && RUNG -> doorbell[me] = 0 }; break
#endif
#ifdef OWN_LOOP
  :: ON_WATCH && loopWork[me] -> break
#endif
  :: d_step { ON_WATCH -> changed = moved; moved = 0 };
    if
    :: d_step { LEADER != 0 && changed -> changed = 0 }
    :: LEADER != 0 && !changed ->                       /* STAND_DOWN */
      d_step { leaveWatch() };
#ifdef BROKEN_STAND_DOWN_BLIND
      /* Off watch, it sleeps without another look at LEADER. */
      goto endSleep;
#else
      if
#ifdef BROKEN_VACANCY_FORGOTTEN
      /* Off watch, it finds that nobody leads, gets up and turns to its own work first. */
      :: LEADER == 0
#else
      :: d_step { LEADER == 0 -> SET_PROMOTED }
#endif
      :: LEADER != 0 -> goto endSleep
      fi;
#endif
      break
    :: LEADER == 0 && !changed -> break                 /* STEP_IN, a stall */
    :: d_step { LEADER == 0 && changed -> changed = 0 }
    :: d_step { LEADER == 0 && changed -> changed = 0 }; break    /* STEP_IN, a backlog */
    fi
  od
}

/* ---- lib/set/thread-set.ts ---- */

/* `sleep` of Sleep, without a nap's limit; with one if the thread has a timer. */
inline sleep() {
  if
#ifdef BROKEN_NO_COMPARE
  /* The wait does not compare the cell: a wake-up between the bit and the sleep is missed. */
  :: d_step { !ON_WATCH && !IN_LOOP -> asleep[me] = 1 };
#else
  :: d_step { !ON_WATCH && !IN_LOOP -> asleep[me] = (cell[me] == LOADED) };               /* Atomics.wait */
#endif
#ifdef OWN_LOOP
endAsleep:
    d_step { !asleep[me] || loopWork[me] -> asleep[me] = 0 }
#else
endAsleep:
    !asleep[me]
#endif
#ifdef LOOP
#ifdef BROKEN_DRAIN_FIRST
  /* The doorbell is drained before the wait and after the bit is set: that may swallow a ring meant for this wait. */
  :: d_step { !ON_WATCH && IN_LOOP -> doorbell[me] = 0 };
endPoll:
    (doorbell[me] || loopWork[me])
#else
  :: !ON_WATCH && IN_LOOP && (doorbell[me] || loopWork[me]) ->
    doorbell[me] = 0                                    /* drainEventCounter */
#endif
#endif
  fi
}

inline park() {
  begin();
#ifdef BROKEN_LOOK_FIRST
  /* The reason to stay up is looked for before the bit is set. */
  woken = (LEADER == 0);
  d_step { woken = woken || MAIL(me) };
#endif
  if
  :: d_step { !IN_LOOP -> cell[me] = LOADED };          /* seen = Atomics.load(CELL) */
    setBit(PARKED, me)
#ifdef LOOP
  :: d_step { IN_LOOP -> setBit(PARKED_IN_LOOP, me) }
#endif
  fi;
  /*
   * stayUp: LEADER == 0 || hasWork(). The local queue need not be looked at: only the thread's own turns fill it, and a
   * turn that leaves something there is followed by one that takes it, before the thread can park.
   */
  if
#ifdef BROKEN_LOOK_FIRST
  :: d_step { woken -> woken = 0 }
  :: !woken ->
#else
  :: LEADER == 0
  :: LEADER != 0 ->
#if defined(HANDOFF) && !defined(BROKEN_MAIL_IGNORED)
    /* BROKEN_MAIL_IGNORED: a thread parks without a look at its mailbox. */
    if
    :: MAIL(me) -> goto up
    :: !MAIL(me)
    fi;
#endif
#endif
endSleep:
    if
    :: sleep()                                          /* off watch */
    :: keepWatch()                                      /* on watch */
    fi
  fi;
up:
  getUp();
#ifdef BROKEN_END_LATE
  /* Off watch only after it tried to lead. */
  d_step { promoted = promoted || ON_WATCH }
#else
  /* Off watch before it tries to lead: whoever vacates from here on sees that, and wakes somebody. */
  if
  :: end()
  :: !ON_WATCH
  fi
#endif
}

/* Where join is true. It is false when LEADER != 0; another look there, while events wait, is no more than a later one. */
inline join() {
  leaders++;
  assert(leaders <= 1);
  LEADER = me + 1
}

inline promoteNewLeader() {
#ifdef BROKEN_SUFFICES_FIRST
  /* The leader looks for somebody on watch before it vacates. */
  woken = (WATCH != 0);
#endif
  d_step { assert(LEADER == me + 1 && leaders == 1); LEADER = 0; leaders-- };
  /* Watch.suffices. EAGER may be positive at any time: to wake somebody is a choice even if somebody is on watch. */
  if
#ifdef BROKEN_SUFFICES_FIRST
  :: d_step { woken -> woken = 0 }
  :: !woken -> wakeOne()
#else
  :: WATCH != 0
#ifdef BROKEN_NO_WAKE
  /* Nobody is ever woken. */
  :: WATCH == 0
#else
  :: wakeOne()
#endif
#endif
  fi
}

/* ---- lib/thread/turns.ts ---- */

/* User code. It ends, or never does; it may leave a piece of work in the local queue, or something alive in the loop. */
inline handle() {
  if
  :: true
  :: stuck[me] = 1;
endStuck:
    false
#if defined(HANDOFF) && !defined(DEATH)
  :: d_step { GIVES && IS(HANDOFF, me) -> queue[me] = 1 }
#endif
#ifdef LOOP
  :: d_step { GIVES && IS(LOOP, me) && !loopAlive[me] -> loopAlive[me] = 1 }
  :: d_step { loopAlive[me] && !loopWork[me] -> loopAlive[me] = 0 }
#endif
  fi
}

/* A thread's own work, one piece: its local queue, then hand-offs, then a pass through its loop. The rest is next turn's. */
inline takeOwnWork() {
  if
#ifdef HANDOFF
  :: d_step { queue[me] -> queue[me] = 0 }
  :: d_step { !queue[me] && mail[me] -> mail[me] = 0 }; takeNoted(me)
#ifdef DEATH
  :: d_step { !queue[me] && !mail[me] && sweep[me] -> sweep[me] = 0 }; takeNoted(me)
#endif
#endif
#ifdef OWN_LOOP
  :: d_step { !MAIL(me) && !QUEUE(me) && loopWork[me] -> loopWork[me] = 0 }
#endif
  fi
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

/* Where lead begins: at the label of the wait, if there is nothing to do before it. */
#if defined(DEATH) || defined(OWN)
#define LOOK look
#else
#define LOOK endInKernel
#endif
#define TAKE d_step { pending > 0 -> pending--; HAND(me, 1); assert(leaders == 1 && LEADER == me + 1) }

/* Takes one event from the ready list, or waits for one, then finds out whom it belongs to; until it has one to process. */
inline lead() {
#ifdef OWN
  if
  :: TAKE; goto taken                                   /* it was in the ready list */
#ifdef BROKEN_LEAD_WITH_MAIL
  /* The leader does not look for work of its own once more before it waits. */
  :: true
#else
  :: OWN_WORK(me) -> goto led
  :: !OWN_WORK(me)
#endif
  fi;
#endif
#ifdef DEATH
  /* ReadyList.refill, before it asks the kernel. */
  if
  :: d_step { rescan -> rescan = 0; if :: lost -> lost = 0; pending++ :: else fi }
  :: !rescan
  fi;
#endif
#if defined(DEATH) || defined(OWN)
endInKernel:
#endif
  /* The zero-time wait, the blocking wait and the take: one step, for no other thread can tell. */
  if
  :: TAKE
#ifdef OWN_LOOP
  :: pending == 0 && loopWork[me] -> goto led
#endif
  fi;
#ifdef HANDOFF
taken:
  /* HandleTable.claim: ENTERED; or it is bound, and HAND_OFF, or NOTED if an entry for it is queued already. */
  if
  :: d_step { true -> mine = 1; HAND(me, 0) }; goto led
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
    mail[target] = 1;                                   /* Mailbox.put */
    wake(target, woken);
    d_step { woken = 0; target = 0 }
#endif
  :: d_step { !woken -> target = 0 }
  fi;
  goto LOOK
#elif defined(OWN) || defined(DEATH)
taken:
  if                                                    /* spin cannot jump to a d_step */
  :: d_step { true -> SET_MINE; HAND(me, 0) }
  fi
#endif
}

inline turns() {
again:
  do
  ::
#ifdef OWN
    if
#ifdef BROKEN_OWN_WORK_FIRST
    /* A thread that a promotion woke begins with its own work all the same. */
    :: d_step { OWN_WORK(me) -> promoted = 0 }; takeOwnWork(); goto handler
    :: d_step { !OWN_WORK(me) -> promoted = 0 }
#else
    :: !promoted && OWN_WORK(me) -> takeOwnWork(); goto handler
    :: d_step { promoted || !OWN_WORK(me) -> promoted = 0 }
#endif
    fi;
#endif
    if
#ifdef BROKEN_NO_CAS
    /* Leadership is taken by a load and a store instead of one exchange. */
    :: LEADER == 0 -> d_step { join() }
#else
    :: d_step { LEADER == 0 -> join() }
#endif
    :: LEADER != 0 ->
#ifdef BROKEN_WAKING_LATE
      d_step { clearWaking() };
#endif
#ifdef BROKEN_END_LATE
      d_step { if :: ON_WATCH -> leaveWatch() :: else fi };
#endif
#if defined(OWN) && !defined(BROKEN_PARK_WITH_WORK)
      /*
       * Somebody leads, so nobody counts on this thread any more. BROKEN_PARK_WITH_WORK: it parks, and looks for work of
       * its own only then; if it is on watch it gets up as one who is to try to lead first, and so on.
       */
      if
      :: OWN_WORK(me) -> takeOwnWork(); goto handler
      :: !OWN_WORK(me)
      fi;
#endif
      park();
      goto again
    fi;
    d_step { moved = (WATCH != 0) };                    /* EPOCH */
#ifdef BROKEN_WAKING_LATE
    d_step { clearWaking() };
#endif
#ifdef BROKEN_END_LATE
    d_step { if :: ON_WATCH -> leaveWatch() :: else fi };
#endif
LOOK:
    lead();
led:
    promoteNewLeader();
#ifdef OWN
    if
    :: d_step { mine -> mine = 0 }
    :: !mine -> takeOwnWork()
    fi;
#endif
handler:
    handle()
  od
}

proctype Worker(byte me) {
#ifdef OWN
  bit promoted, mine;
#endif
  bit woken, changed;
  byte candidate = NOBODY;
#ifdef HANDOFF
  byte target;
#endif
#ifdef DEATH
  do
  :: { turns() } unless {
      atomic {
        die?eval(me);
        d_step {
          dead = me;
          alive[me] = 0;
          asleep[me] = 0;
          cell[me] = UNREAD;
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
#ifdef OWN_LOOP
          loopWork[me] = 0;
#endif
#ifdef OWN
          promoted = 0;
          mine = 0;
#endif
          woken = 0;
          changed = 0;
          candidate = NOBODY
        }
      }
    };
endDead:
    alive[me]                                           /* the replacement has begun */
  od
#else
  turns()
#endif
}

#ifdef DEATH
proctype Reaper() {
endIdle:
  if
#if DEATH & 1
  :: die!0
#endif
#if DEATH & 2
  :: die!1
#endif
#if DEATH & 4
  :: die!2
#endif
  fi
}

/* ---- the control plane, after a worker's exit ---- */

/* What the dead leader had in hand is asked for again. */
inline repair() {
  rescan = 1;
#ifdef HANDOFF
  if :: IS(HANDOFF, 0) -> sweep[0] = 1 :: else fi;      /* Mailbox.requestSweep */
  if :: IS(HANDOFF, 1) -> sweep[1] = 1 :: else fi;
  if :: IS(HANDOFF, 2) -> sweep[2] = 1 :: else fi
#else
  skip
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
  d_step { if :: WATCH == d + 1 -> leaveWatch() :: else fi }
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
  d_step { deliver(t) }
#ifdef LOOP
  ; doorbell[t] = 1
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
endIdle:
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

/* Never set; names for pan to print. */
hidden byte eventsTaken, ownWorkDone, somebodyLeads;

/* Where a thread that is not in a handler may wait: in Atomics.wait, in poll beside its loop, in the kernel for an event. */
#ifdef BROKEN_DRAIN_FIRST
#define IN_POLL(t, p) (Worker[p]@endPoll && !doorbell[t])
#elif defined(LOOP)
#define IN_POLL(t, p) (Worker[p]@endSleep && loopAlive[t] && WATCH != t + 1 && !doorbell[t])
#else
#define IN_POLL(t, p) 0
#endif
#define IN_KERNEL(t, p) (LEADER == t + 1 && Worker[p]@endInKernel && pending == 0)
#define WAITS(t, p) (!OUTSIDE(t) || NO_LOOP_WORK(t) && (asleep[t] || IN_POLL(t, p) || IN_KERNEL(t, p)))
#ifdef DEATH
#define AT_REST (dead == NOBODY && WAITS(0, 1) && WAITS(1, 2) && WAITS(2, 3))
#else
#define AT_REST (WAITS(0, 1) && WAITS(1, 2) && WAITS(2, 3))
#endif

proctype World() {
#ifdef SUPPLY
  byte supply;
#endif
endIdle:
  do
#ifdef SUPPLY
  :: d_step { GIVES && pending < EVENTS && supply < SUPPLY -> pending++; supply++ }
#else
  :: d_step { GIVES && pending < EVENTS -> pending++ }
#endif
#ifdef LOOP
  :: d_step { GIVES && loopAlive[0] && !loopWork[0] -> loopWork[0] = 1 }
  :: d_step { GIVES && loopAlive[1] && !loopWork[1] -> loopWork[1] = 1 }
  :: d_step { GIVES && loopAlive[2] && !loopWork[2] -> loopWork[2] = 1 }
#endif
#ifdef TIMER
  :: d_step { GIVES && IS(TIMER, 0) && !loopWork[0] -> loopWork[0] = 1 }
  :: d_step { GIVES && IS(TIMER, 1) && !loopWork[1] -> loopWork[1] = 1 }
  :: d_step { GIVES && IS(TIMER, 2) && !loopWork[2] -> loopWork[2] = 1 }
#endif
#ifdef PROMISE
  :: d_step { !silent -> silent = 1 }
#else
  :: !(TAKEN && OWN_DONE && LED_OR_NOBODY) && AT_REST ->
    assert(eventsTaken || TAKEN);                       /* else a lost wake-up: an event waits, and so does a thread */
    assert(ownWorkDone || OWN_DONE);                    /* else a hand-off, or other work of a thread's own, was left */
    assert(somebodyLeads || LED_OR_NOBODY)              /* else nobody would see the next event */
#endif
  od
}

/* Processes are numbered in the order of starting: init is 0, Worker(0) is 1. */
init {
  atomic {
    run Worker(0);
    run Worker(1);
    run Worker(2);
#ifdef DEATH
    alive[0] = 1; alive[1] = 1; alive[2] = 1;
    run Reviver();
    run Reaper();
#endif
    run World()
  }
}

#ifdef PROMISE
ltl served { [] (silent -> <> (TAKEN && OWN_DONE && LED_OR_NOBODY)) }
#endif
