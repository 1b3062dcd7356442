/*
 * The election and parking protocol of Paceline, for spin. Each configuration is explored exhaustively for three threads.
 *
 *   in the model                     in the code
 *   join, promoteNewLeader, park,    lib/set/thread-set.ts, ThreadSet (#keepWatch is the part of park from endSleep on)
 *   leave, revokeLeadership
 *   begin, end                       lib/set/watch.ts, Watch; check is inside of park, throttlesWakeUp of promoteNewLeader
 *   wakeOne, wake, removeThread,     lib/set/parking-lot.ts, ParkingLot; its park is inside of ThreadSet's, and ends with endPark.
 *   wakeAll, endPark                 Which candidate wakeOne prefers is a choice: any order, by masks however stale
 *   setBit, clearBit                 lib/set/parking-lot.ts
 *   CLAIM, takeNoted                 lib/set/handle-table.ts, HandleTable, for one bound handle a thread
 *   handedOff, sweep                 lib/set/mailbox.ts: MAILBOX_PUT ≠ MAILBOX_TAKEN, and MAILBOX_SWEEP
 *   handedOver                       the same mailbox: entries for handles that are bound to no thread
 *   pending, rescan                  lib/set/ready-list.ts: the kernel's events with the ready list's, and RESCAN
 *   turns, lead, pass                lib/strategies/leader-followers.ts, LeaderFollowers: step with #follow, #lead, and the return to the loop
 *   yield                            ThreadSet.yieldLeadership, called by LeaderFollowers.#yield
 *   defers                           the parameter of ThreadSet.park, and Engagement.defers in LeaderFollowers.step
 *   aboutToBlock                     ThreadSet.aboutToBlock
 *   handOver                         lib/strategies/hand-over.ts, HandOver.passesOn, for events whose connections are handed over
 *   ownWork                          lib/thread/own-work.ts, OwnWork.run
 *   timeouts                         lib/connection/timeouts.ts, Timeouts.#expire
 *   Plane                            the control plane: recover of lib/control/recovery.ts, and stop of lib/control/plane.ts
 *   Reaper                           the death of threads
 *   World                            the kernel, clients, timers
 *
 * Each Atomics operation is one step, and so is each system call. `d_step` makes a read-modify-write, or ties ghost words
 * (those that only the claims read) and locals to the step that they belong to; it does not join two operations. Three loads
 * are left out because they add no behaviour: those before the AND of clearBit and before the compare-and-exchanges of join
 * and of begin. When such a load fails, the exchange at that moment would fail as well; when it succeeds, nothing depends on
 * it. The words of a thread's own work (mailbox, sweep, deferred) are read together: only the thread clears them, so "none" at
 * the last load was "none" at all of them.
 *
 * Time: a watch interval may be over at any moment, and UNTHROTTLED may be positive at any moment. EPOCH is kept, so that a
 * follower keeps watching a vacancy only if a thread has led since the last check. The bounds of a turn (MAX_EVENTS_PER_TURN,
 * MAX_MICROS_PER_TURN) are choices: a thread may return to its loop whenever there is something to do, and a leader whose
 * handlers took long vacates at once.
 *
 * Configurations, by -D; they may be combined, at the price of more states. A set of threads is a number of bits.
 *   (none)        events, handlers that may never end, threads asleep or on watch
 *   HANDOFF=set   an event may belong to a handle bound to a thread of the set
 *   HANDOVER=set  the leader may hand any event over to another thread of the set, parked or awake, and go on leading
 *   YIELD         a leader may yield whenever it sees a parked thread: whichever threads are hosts, and however stale the masks
 *   HOSTS=set     with YIELD: the threads of the set are the hosts, and some thread is always engaged; any other leader that sees
 *                 a host parked does yield, and wakeOne picks a host if one is parked
 *   NO_HOST=set   a thread of the set, unless others rely on it, may leave a vacant LEADER to others at any time
 *   BLOCKING      user code may begin with aboutToBlock
 *   DEFER=set     user code in a thread of the set may defer work, which is that thread's own
 *   LOOP=set      the loop of a thread of the set gets work at any time: a descriptor, a timer, another thread's message
 *   LONG          handlers may have taken so long that the thread's own loop comes first (#turnWasLong)
 *   PERPETUAL=set a thread of the set always has deferred work left
 *   TIMEOUT       with HANDOFF: an event may be the timer's, and its handler then notes one for a bound handle
 *   STOP          the set stops, once, at any time
 *   DEATH=set     a thread of the set dies between any two steps; the control plane recovers what it held, interleaved with the
 *                 steps of the others; a replacement may start at any time after, unless NO_REPLACEMENT is defined
 *   DEATHS=n      how many deaths, 1 or 2; the second at any time after the first, also before or during its recovery, and
 *                 also the replacement's
 *   EVENTS=n      events that may be ready at once; there is no bound on how many come in all, except
 *   SUPPLY=n      events that come in all; LOOP_SUPPLY=n: how often work comes to loops in all
 *   PROMISE       the claim `served` instead of the claims at rest; FAIR: the claim `taken`; LEAVING: the claim `left`
 * Broken variants, by -DBROKEN_…, must fail; each is explained where it changes the protocol.
 *
 * Claims:
 *   one leader       at most one thread is between a successful join and the end of its leadership.
 *   at rest          whenever no thread can take a step unless World supplies something (AT_REST):
 *     everybody left   if the set stops, no thread is left,
 *     events taken     no event is ready or lost,
 *     own work done    no hand-off or other work of its own is left to a living thread,
 *     somebody leads   and a living thread waits in the kernel,
 *                    each unless every living thread is in a handler that never ends (for own work: that thread is).
 *                    A lost wake-up and a deadlock are states of rest that violate one of these.
 *   no other rest    AT_REST has all places where a thread may wait. Their labels begin with `end`; pan reports a
 *                    thread that can wait anywhere else ("invalid end state").
 *   served           once World is silent that rest is reached on every schedule, fair or not: no thread spins for ever.
 *   taken            with perpetual own work there is no rest. Instead, infinitely often: no event is ready, and no thread has a
 *                    hand-off that it has not taken; however many come in all. That holds on every schedule that is weakly
 *                    fair: a thread that could take a step from some point on takes one eventually, as the system's scheduler
 *                    ensures. Excepted are schedules on which wakers for ever find the thread awake that they are about to
 *                    claim: each time that thread has to park, and to wake by itself, within a few instructions.
 *   left             once the set stops, each thread leaves on every schedule, fair or not, and however many events come.
 */

#define N 3
#define NOBODY N
/* Whether a configuration's macro, a set of threads as bits, has this one. */
#define IS(macro, t) ((macro >> (t)) & 1)
/* Events that may wait at once: one that is taken, and one that is left to the next leader. */
#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
/* The threads that may have work of their own, or defer; only for them does it matter what they do first. */
#if defined(HANDOFF) || defined(HANDOVER) || defined(LOOP) || defined(PERPETUAL) || defined(DEFER) || defined(NO_HOST)
#define FIRST
#ifdef HANDOFF
#define HANDED HANDOFF
#else
#define HANDED 0
#endif
#ifdef HANDOVER
#define HANDED_OVER HANDOVER
#else
#define HANDED_OVER 0
#endif
#ifdef LOOP
#define LOOPS LOOP
#else
#define LOOPS 0
#endif
#ifdef PERPETUAL
#define ENDLESS PERPETUAL
#else
#define ENDLESS 0
#endif
#ifdef DEFER
#define DEFERRING DEFER
#else
#define DEFERRING 0
#endif
#ifdef NO_HOST
#define NO_HOSTS NO_HOST
#else
#define NO_HOSTS 0
#endif
#define FIRSTS (HANDED | HANDED_OVER | LOOPS | ENDLESS | DEFERRING | NO_HOSTS)
#define SET_PROMOTED(v) promoted = (v) && IS(FIRSTS, me)
#else
#define SET_PROMOTED(v) skip
#endif
#if defined(YIELD) || defined(NO_HOST)
#define DEFERS
#define SET_DEFERS(v) defers = v
#else
#define SET_DEFERS(v) skip
#endif
#if defined(HANDOFF) || defined(HANDOVER) || defined(PERPETUAL) || defined(DEFER)
#define WORK
#endif
#if defined(HANDOFF) || defined(HANDOVER)
#define TARGETS
#endif
#if defined(DEATH) || defined(TIMEOUT)
#define SWEEP
#endif
#if defined(WORK) || defined(LOOP) || defined(LONG)
#define AFTER
#define SET_AFTER(v) after = v
#else
#define SET_AFTER(v) skip
#endif
#ifdef LOOP
#define SET_LOOP_DUE(v) loopDue = v
#else
#define SET_LOOP_DUE(v) skip
#endif
#if defined(PROMISE) || defined(FAIR) || defined(LEAVING)
#define NO_RESTS
#endif

/* ---- shared words (lib/memory/layout.ts) ---- */

byte LEADER;               /* 0, or 1 + the leader */
byte WATCH;                /* 0, or 1 + the thread on watch */
byte WAKING;               /* 0, or 1 + the thread that a promotion is waking */
byte PARKED;               /* a bit for each thread */
bit doorbell[N];           /* an eventfd: readable or not; reading it takes the whole count, so a bit is exact */
#ifdef LOOP
bit loopWork[N];           /* the loop's descriptor is readable, or its timer due */
#endif
#ifdef STOP
bit stopping;              /* SET_STATE is SET_STOPPING */
#endif
/*
 * EPOCH, reduced to the only question asked of it: has it changed since the follower on watch last loaded it? That is
 * exact unless 2^32 leaderships begin within one interval. Only the follower on watch reads it.
 */
bit moved;

byte pending;              /* events in the kernel or in the ready list; only the leader takes */
#ifdef HANDOFF
bit noted[N];              /* the state word of the handle that is bound to this thread: an event is noted */
bit queued[N];             /*   QUEUED */
bit handedOff[N];               /* MAILBOX_PUT ≠ MAILBOX_TAKEN: one handle, queued once, so one entry at most */
#ifdef SWEEP
bit sweep[N];              /* MAILBOX_SWEEP */
#endif
#endif
#ifdef HANDOVER
byte handedOver[N];        /* entries of the mailbox for handles that are bound to no thread */
#endif
#ifdef DEFER
bit deferred[N];           /* the thread has deferred work */
#endif
#ifdef DEATH
bit rescan;
#endif

/* ---- ghost: for the claims ---- */

byte leaders;
#ifdef FAIR
bit foundAwake;            /* a waker has just found its candidate awake */
#define FOUND_AWAKE(v) foundAwake = v
#else
#define FOUND_AWAKE(v) skip
#endif
bit stuck[N];              /* in a handler that never ends */
#ifdef PROMISE
bit silent;                /* World supplies nothing more */
#define GIVES (!silent)
#else
#define GIVES 1
#endif
#ifdef STOP
bit stopped;               /* the control plane has done all that stops the set */
bit left[N];
#define LEFT(t) left[t]
#define STOPPING stopping
#define STOP_DONE (stopping == stopped)
#else
#define LEFT(t) 0
#define STOPPING 0
#define STOP_DONE 1
#endif
#ifdef DEATH
chan die = [0] of { byte };/* a rendezvous: the thread dies at once */
bit exitPending[N];        /* it is dead, and the control plane does not know yet */
byte recovering = NOBODY;  /* the dead thread whose recovery, or replacement, is under way */
bit alive[N];
bit unclaimed[N];          /* has an event that it took from the list and has not claimed */
byte lost;                 /* events that died with their leader, or with a mailbox */
#define ALIVE(t) alive[t]
#define UNCLAIMED(t, v) unclaimed[t] = v
#define DEAD(t) (!alive[t] && !exitPending[t])    /* STATE, which recovery sets before it clears the mailbox */
#define RECOVERED (recovering == NOBODY && !exitPending[0] && !exitPending[1] && !exitPending[2])
#ifdef HANDOVER
/* Entries that came to a dead thread's mailbox late. A rescan finds their handles, which are idle. */
#define STRANDED(t) (DEAD(t) * handedOver[t])
#define FIND(t) if :: STRANDED(t) > 0 -> pending = pending + handedOver[t]; handedOver[t] = 0 :: else fi
#define FIND_STRANDED FIND(0); FIND(1); FIND(2)
#define NONE_LOST (lost + STRANDED(0) + STRANDED(1) + STRANDED(2) == 0)
#else
#define FIND_STRANDED skip
#define NONE_LOST (lost == 0)
#endif
#else
#define ALIVE(t) 1
#define UNCLAIMED(t, v) skip
#define RECOVERED 1
#define NONE_LOST 1
#endif

#define RUNNING(t) (ALIVE(t) && !stuck[t] && !LEFT(t))
#ifdef DEFER
#define FINITE_DEFERRED(t) deferred[t]
#else
#define FINITE_DEFERRED(t) 0
#endif
#ifdef PERPETUAL
#define DEFERRED(t) (IS(PERPETUAL, t) || FINITE_DEFERRED(t))
#else
#define DEFERRED(t) FINITE_DEFERRED(t)
#endif
#ifdef HANDOFF
#define NONE_NOTED(t) (!noted[t])
#else
#define NONE_NOTED(t) 1
#endif
#ifdef HANDOVER
#define HANDED_OVER_TO(t) (handedOver[t] > 0)
#else
#define HANDED_OVER_TO(t) 0
#endif
#ifdef LOOP
#define LOOP_WORK(t) loopWork[t]
#else
#define LOOP_WORK(t) 0
#endif
#define ANY_RUNNING (RUNNING(0) || RUNNING(1) || RUNNING(2))
#define LED ((LEADER == 1 && RUNNING(0)) || (LEADER == 2 && RUNNING(1)) || (LEADER == 3 && RUNNING(2)))
#define DONE(t) (!RUNNING(t) || (NONE_NOTED(t) && !HANDED_OVER_TO(t) && !FINITE_DEFERRED(t) && !LOOP_WORK(t)))
#define TAKEN (!ANY_RUNNING || (pending == 0 && NONE_LOST))
#define OWN_DONE (DONE(0) && DONE(1) && DONE(2))
#define LED_OR_NOBODY (!ANY_RUNNING || LED)
#define LEFT_IF_STOPPED (!STOPPING || !ANY_RUNNING)
#define HAND_OFFS_TAKEN(t) (!RUNNING(t) || (NONE_NOTED(t) && !HANDED_OVER_TO(t)))

/* A thread's own work. Only the thread itself clears these words, so they may be read in one step. */
#ifdef HANDOFF
#ifdef SWEEP
#define HAND_OFF_PENDING(t) (handedOff[t] || sweep[t])
#else
#define HAND_OFF_PENDING(t) handedOff[t]
#endif
#else
#define HAND_OFF_PENDING(t) 0
#endif
#define HAS_WORK(t) (HAND_OFF_PENDING(t) || HANDED_OVER_TO(t) || DEFERRED(t))

/* ---- lib/set/parking-lot.ts ---- */

#define HAS_BIT(mask, t) ((mask >> (t)) & 1)

inline setBit(mask, t) {
  mask = mask | (1 << (t))
}

inline clearBit(mask, t) {
  mask = mask & ~(1 << (t))
}

/* `:: d_step { HAS_BIT -> clearBit }` is clearBit with the result true; to ring is signalEventCounter. */
inline wake(t, result) {
#ifdef BROKEN_RING_FIRST
  /* The doorbell rings before the thread is claimed: it may be reset, and the thread park again, in between. */
  if
  :: HAS_BIT(PARKED, t) -> doorbell[t] = 1;
    if
    :: d_step { HAS_BIT(PARKED, t) -> clearBit(PARKED, t); result = 1 }
    :: d_step { !HAS_BIT(PARKED, t) -> result = 0 }
    fi
#else
  if
  :: d_step { HAS_BIT(PARKED, t) -> clearBit(PARKED, t) };
    d_step { doorbell[t] = 1; result = 1 }
#endif
  :: d_step { !HAS_BIT(PARKED, t) -> result = 0 }
  fi
}

#ifdef BROKEN_TRIED_ONCE
/* A candidate that was found awake is not tried again, although others saw WAKING set and relied on it. */
#define CANDIDATES (PARKED & ~(1 << candidate))
#define UNTRIED skip
#else
#ifdef HOSTS
#define CANDIDATES ((PARKED & HOSTS) -> (PARKED & HOSTS) : PARKED)
#else
#define CANDIDATES PARKED
#endif
#define UNTRIED candidate = NOBODY
#endif
#define CANDIDATE(t) d_step { HAS_BIT(CANDIDATES, t) -> candidate = t }

inline wakeOne() {
  do
  :: d_step { WAKING != 0 -> candidate = NOBODY }; break
  :: WAKING == 0 ->
    if
    :: CANDIDATE(0)
    :: CANDIDATE(1)
    :: CANDIDATE(2)
    :: d_step { CANDIDATES == 0 -> candidate = NOBODY }; break
    fi;
    if
    :: d_step { WAKING == 0 -> WAKING = candidate + 1 }
    :: d_step { WAKING != 0 -> candidate = NOBODY }; break
    fi;
    wake(candidate, woken);
    if
    :: d_step { woken -> woken = 0; candidate = NOBODY }; break
#ifdef BROKEN_MARK_LEFT
    /* WAKING is left naming the thread that was awake. */
    :: d_step { !woken -> candidate = NOBODY }; break
#else
    :: d_step { !woken -> if :: WAKING == candidate + 1 -> WAKING = 0 :: else fi; UNTRIED; FOUND_AWAKE(1) }
#endif
    fi;
    /* There is a leader already, so no thread has to be woken. */
    if
    :: d_step { LEADER != 0 -> candidate = NOBODY; FOUND_AWAKE(0) }; break
    :: d_step { LEADER == 0 -> FOUND_AWAKE(0) }
    fi
  od
}

/* The end of ParkingLot.park, however the sleep ended: the bit, then WAKING. */
inline endPark() {
  clearBit(PARKED, me);
#ifdef BROKEN_WAKING_LATE
  /* The woken thread clears WAKING only after it tried to lead. */
  d_step { SET_PROMOTED(promoted || WAKING == me + 1) }
#elif defined(FIRST)
  d_step { SET_PROMOTED(promoted || WAKING == me + 1); clearWaking() }
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
  /* The thread turns to its own work first nevertheless. */
  d_step { ON_WATCH -> leaveWatch() }
#else
  d_step { ON_WATCH -> leaveWatch(); SET_PROMOTED(1) }
#endif
}

/* ---- lib/set/thread-set.ts ---- */

/* ppoll of Sleep finds the doorbell, or the thread's loop; a sleep whose time is up finds neither. */
#define RUNG doorbell[me]
#if defined(LOOP) && !defined(BROKEN_DEAF_SLEEP)
#define LOOP_SEEN loopWork[me]
#else
/* BROKEN_DEAF_SLEEP: a thread sleeps without the descriptor of its own loop. */
#define LOOP_SEEN 0
#endif

#ifdef BROKEN_NO_RESET
/* The doorbell is not reset, and ends the next sleep as well. */
#define RESET skip
#else
/* resetEventCounter, in the step of the poll that found the ring: a ring between the two is equivalent to one before. */
#define RESET doorbell[me] = 0
#endif

/* Whether a thread that defers may sleep although LEADER is vacant. */
#ifdef BROKEN_DEFER_WAKING_FIRST
/* It has looked at WAKING before it set its bit. */
#define WAKE_UP_IN_FLIGHT woken
#else
/* WAKING names a thread that is about to try for leadership, or that its waker finds awake: the waker then looks again. */
#define WAKE_UP_IN_FLIGHT (WAKING != 0)
#endif
#if defined(BROKEN_DEFER_BLIND)
/* It sleeps whatever WAKING and WATCH say. */
#define WATCHED 1
#elif defined(BROKEN_DEFER_WATCH_FIRST)
/* It has looked at WATCH before it set its bit. */
#define WATCHED woken
#else
/* A thread on watch, this one or another, takes over after two intervals at most, or tries to lead when it wakes before. */
#define WATCHED (WATCH != 0)
#endif

inline park() {
  begin();
#ifdef BROKEN_LOOK_FIRST
  /* The reason to stay awake is looked for before the bit is set. */
  woken = (LEADER == 0);
  d_step { woken = woken || HAND_OFF_PENDING(me) };
#endif
#ifdef BROKEN_DEFER_WAKING_FIRST
  woken = (WAKING != 0);
#endif
#ifdef BROKEN_DEFER_WATCH_FIRST
  woken = (WATCH != 0);
#endif
  setBit(PARKED, me);
#ifdef BROKEN_RESET_FIRST
  /* The doorbell is reset before the sleep and after the bit is set: that may swallow a ring meant for this sleep. */
  doorbell[me] = 0;
#endif
  /* mustStayAwake: isNeeded() || hasWork(); isNeeded is LEADER == 0, for a thread that defers LEADER == 0 && WAKING == 0 && WATCH == 0. */
  if
#ifdef BROKEN_LOOK_FIRST
  :: d_step { woken -> woken = 0 }; goto awake
  :: !woken
#else
#ifdef DEFERS
  :: d_step { LEADER == 0 && defers -> defers = 0 };
    if
    :: WAKE_UP_IN_FLIGHT
    :: !WAKE_UP_IN_FLIGHT ->
      if
      :: WATCHED
      :: !WATCHED -> goto awake
      fi
    fi
  :: LEADER == 0 && !defers -> goto awake
  :: d_step { LEADER != 0 -> defers = 0 }
#else
  :: LEADER == 0 -> goto awake
  :: LEADER != 0
#endif
#endif
  fi;
#if defined(WORK) && !defined(BROKEN_HAND_OFF_IGNORED) && !defined(BROKEN_LOOK_FIRST)
  /* BROKEN_HAND_OFF_IGNORED: a thread parks without a look at its mailbox. */
  if
  :: HAS_WORK(me) -> goto awake
  :: !HAS_WORK(me)
  fi;
#endif
#if defined(STOP) && !defined(BROKEN_PARK_BLIND)
  /*
   * BROKEN_PARK_BLIND: a thread parks without a look whether the set stops, and wakeAll rings only for those whose bit is
   * set. Either alone does no harm: a ring that is kept by the doorbell ends the next sleep.
   */
  if
  :: stopping -> goto awake
  :: !stopping
  fi;
#endif
endSleep:
  do
  :: d_step { RUNG -> SET_LOOP_DUE(LOOP_SEEN); RESET }; break
#ifdef LOOP
  :: d_step { !RUNG && LOOP_SEEN -> SET_LOOP_DUE(1) }; break
  :: d_step { !RUNG && LOOP_SEEN -> SET_LOOP_DUE(2) }; break    /* its timer is due: neither descriptor is ready */
#endif
  /*
   * #keepWatch: sleeps in intervals, with Watch.check after each. An interval may be over at any time. Checks are not counted:
   * one that finds LEADER held and nothing changed, and keeps watching, is no more than a longer interval.
   */
  :: d_step { ON_WATCH && !RUNG && !LOOP_SEEN -> changed = moved; moved = 0 };
    if
    :: d_step { LEADER != 0 && changed -> changed = 0 }
    :: LEADER != 0 && !changed ->                       /* STAND_DOWN */
      d_step { leaveWatch() };
#ifndef BROKEN_STAND_DOWN_BLIND
      /* BROKEN_STAND_DOWN_BLIND: off watch, it sleeps without another look at LEADER. */
      if
#ifdef BROKEN_VACANCY_FORGOTTEN
      /* Off watch, it finds LEADER vacant, wakes and turns to its own work first. */
      :: LEADER == 0 -> break
#else
      :: d_step { LEADER == 0 -> SET_PROMOTED(1) }; break
#endif
      :: LEADER != 0
      fi
#endif
    :: LEADER == 0 && !changed -> break                 /* TAKE_OVER, a stall */
    :: d_step { LEADER == 0 && changed -> changed = 0 }
    :: d_step { LEADER == 0 && changed -> changed = 0 }; break    /* TAKE_OVER, a backlog */
    fi
  od;
awake:
  endPark();
#ifdef BROKEN_END_LATE
  /* Off watch only after it tried to lead. */
  d_step { SET_PROMOTED(promoted || ON_WATCH) }
#else
  /* Off watch before it tries to lead: whoever vacates from here on sees that, and wakes somebody. */
  if
  :: end()
  :: !ON_WATCH
  fi
#endif
}

/* Where join is true. It is false when LEADER != 0; another spin there, while events wait, is no more than a later join. */
inline join() {
  leaders++;
  assert(leaders <= 1);
  LEADER = me + 1
}

inline vacate() {
  assert(LEADER == me + 1 && leaders == 1);
  LEADER = 0;
  leaders--
}

inline promoteNewLeader() {
#ifdef BROKEN_WATCH_READ_FIRST
  /* The leader reads WATCH before it vacates LEADER. */
  woken = (WATCH != 0);
#endif
  d_step { vacate() };
  /* Watch.throttlesWakeUp. UNTHROTTLED may be positive at any time: to wake somebody is a choice even if somebody is on watch. */
  if
#ifdef BROKEN_WATCH_READ_FIRST
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

/* ---- lib/strategies/leader-followers.ts ---- */

/* What the leader does next, once it has vacated. */
#define EVENT 0            /* the event that it has taken */
#define OWN_WORK 1         /* its own work */
#define PASS 2             /* its loop */
#define STEP 3             /* the next step */

/* Locals that no longer matter; for fewer states. */
inline resetLocals() {
#ifdef TARGETS
  target = 0;
#endif
#ifdef DEFERS
  defers = 0;
#endif
#ifdef YIELD
  yielded = 0;
#endif
#ifdef LOOP
  loopDue = 0;
#endif
#ifdef LONG
  tooLong = 0;
#endif
#ifdef FIRST
  promoted = 0;
#endif
#ifdef WORK
  leadFirst = 0;
#endif
#ifdef AFTER
  after = EVENT;
#endif
  woken = 0;
  changed = 0;
  candidate = NOBODY
}

/* ThreadSet.aboutToBlock, before a handler that is known to block. */
inline aboutToBlock() {
  if
  :: true
  :: LEADER == 0 -> wakeOne()
  fi
}

/* User code. It ends, or never does; it may defer work. */
inline userCode() {
#ifdef BLOCKING
  aboutToBlock();
#endif
  if
  :: true
  :: d_step { true -> stuck[me] = 1; resetLocals() }; goto endStuck
#ifdef DEFER
  :: d_step { GIVES && IS(DEFER, me) -> deferred[me] = 1 }
#endif
  fi
}

inline takeNoted(t) {
  d_step { noted[t] = 0; queued[t] = 0 }
}

#ifdef WORK
/*
 * OwnWork.run: some deferred work, then some hand-offs; here one of each, as the bounds of both are choices. At least
 * one hand-off is taken whatever the time: BROKEN_HAND_OFF_LAST takes one only if deferred work has left time.
 */
inline ownWork() {
  leadFirst = 1;
  if
  :: DEFERRED(me) ->
#ifdef DEFER
    deferred[me] = 0;
#endif
    userCode();
#ifdef BROKEN_HAND_OFF_LAST
    if :: goto pass :: true fi
#endif
  :: !DEFERRED(me)
  fi;
#ifdef HANDOFF
  if
  :: d_step { handedOff[me] -> handedOff[me] = 0 }; takeNoted(me); userCode()
#ifdef SWEEP
  :: d_step { !handedOff[me] && sweep[me] -> sweep[me] = 0 }; takeNoted(me); userCode()
#endif
  :: !HAND_OFF_PENDING(me)
  fi;
#endif
#ifdef HANDOVER
  /* HandleTable.enterIdle, and only then MAILBOX_TAKEN counts the entry. If it dies in between, the rescan is one too many. */
  if
#ifdef BROKEN_TAKEN_FIRST
  /* MAILBOX_TAKEN counts the entry before the thread is inside the handle. */
  :: d_step { HANDED_OVER_TO(me) -> handedOver[me]--; UNCLAIMED(me, 1) }; d_step { UNCLAIMED(me, 0) }; userCode()
#else
  :: d_step { HANDED_OVER_TO(me) -> handedOver[me]-- }; userCode()
#endif
  :: !HANDED_OVER_TO(me)
  fi;
#endif
  if
  :: DEFERRED(me) -> goto pass
  :: !DEFERRED(me)
  fi
}
#endif

#ifdef HANDOFF
/* A dead thread's handle stays bound to it, and may get hand-offs, until the control plane closes it. */
#ifdef DEATH
#define BOUND(t) (alive[t] || exitPending[t])
#else
#define BOUND(t) 1
#endif
#define CLAIM(t) d_step { IS(HANDOFF, t) && BOUND(t) -> target = t; UNCLAIMED(me, 0); woken = !queued[t]; noted[t] = 1; queued[t] = 1 }

#ifdef TIMEOUT
/* Timeouts.#expire, callable from any thread: it asks the owner to sweep its bound handles. */
inline timeouts() {
  if
  :: true
  :: CLAIM(0); goto expire
  :: CLAIM(1); goto expire
  :: CLAIM(2); goto expire
  fi
}
#endif
#endif

#ifdef YIELD
#define SET_YIELDED(v) yielded = v
#else
#define SET_YIELDED(v) skip
#endif
#define TAKE d_step { pending > 0 -> pending--; UNCLAIMED(me, 1); SET_YIELDED(0); assert(leaders == 1 && LEADER == me + 1) }

/* Engagement.yields: the thread is no host, and sees one parked. Without HOSTS, any parked thread may be one. */
#ifdef HOSTS
#define SEES_HOST (!IS(HOSTS, me) && (PARKED & HOSTS) != 0)
#else
#define SEES_HOST (PARKED != 0)
#endif

#ifdef HANDOVER
/* The leader is inside the handle of the event that it has taken, and picks a thread to hand it over to. If it is parked this claims it. */
#ifdef DEATH
#define PICK(t) d_step { IS(HANDOVER, t) && t != me && !DEAD(t) -> clearBit(PARKED, t); target = t }
#else
#define PICK(t) d_step { IS(HANDOVER, t) && t != me -> clearBit(PARKED, t); target = t }
#endif
/* If the leader dies before that, the event is rescanned, because it led. */
#define PUT(t) d_step { handedOver[t]++; UNCLAIMED(me, 0) }
#endif

/* Where lead begins: at the label of the wait, if there is nothing to do before it. */
#if defined(WORK) || defined(DEATH) || defined(STOP) || defined(YIELD)
#define LOOKS
#define LOOK look
#else
#define LOOK endInKernel
#endif

/* Takes one event from the ready list, or waits for one, and claims its handle; until it has an event to process. */
inline lead() {
#ifdef LOOKS
#ifdef YIELD
  /* Once only until it has taken an event: BROKEN_YIELD_AGAIN. */
  if
  :: SEES_HOST && !yielded -> goto yield
#ifdef HOSTS
  :: !SEES_HOST || yielded
#else
  :: true
#endif
  fi;
#endif
#ifdef DEATH
  /* ReadyList.take, and refill before it asks the kernel. Between the exchange of RESCAN and the end of the scan it may die. */
  if
  :: TAKE; goto taken
  :: d_step { rescan -> rescan = 0 };
    d_step { pending = pending + lost; lost = 0; FIND_STRANDED }
  :: !rescan
  fi;
#endif
#if defined(WORK) || defined(STOP) || defined(YIELD)
  /* ReadyList.take, and refill. */
  if
  :: TAKE; goto taken
#ifdef BROKEN_KERNEL_LAST
  /* With an empty list, the leader looks for own work before it asks the kernel. */
  :: HAS_WORK(me) -> after = OWN_WORK; goto promote
#endif
  :: pending == 0
  fi;
#endif
#if defined(WORK) && !defined(BROKEN_LEAD_WITH_HAND_OFF)
  /* BROKEN_LEAD_WITH_HAND_OFF: the leader does not look for own work once more before it waits. */
  if
  :: d_step { HAS_WORK(me) -> after = OWN_WORK }; goto promote
  :: !HAS_WORK(me)
  fi;
#endif
#if defined(STOP) && !defined(BROKEN_WAIT_BLIND)
  /* BROKEN_WAIT_BLIND: the leader waits although the set stops. */
  if
  :: stopping -> goto leave
  :: !stopping
  fi;
#endif
endInKernel:
#endif
  /*
   * The blocking wait and the refill and take that follow: one step, because no other thread can tell them apart; except where
   * the leader looks in between whether to yield.
   */
  if
#ifdef YIELD
  :: pending > 0 -> goto look
#else
  :: TAKE
#endif
#if defined(LOOP) && !defined(BROKEN_DEAF_WAIT)
  /* BROKEN_DEAF_WAIT: the leader waits without the descriptor of its own loop. */
  :: d_step { loopWork[me] -> after = PASS }; goto promote
#endif
  fi;
taken:
#ifdef TARGETS
  /* HandleTable.claim: ENTERED; or it is bound, and HAND_OFF, or NOTED if an entry for it is queued already. */
  if
  :: d_step { true -> UNCLAIMED(me, 0); SET_AFTER(EVENT) }; goto promote
#ifdef HANDOFF
  :: CLAIM(0)
  :: CLAIM(1)
  :: CLAIM(2)
#endif
#ifdef HANDOVER
  :: PICK(0); goto handOver
  :: PICK(1); goto handOver
  :: PICK(2); goto handOver
#endif
  fi;
#ifdef HANDOFF
  if
  :: woken ->
#ifdef BROKEN_WAKE_BEFORE_PUT
    /* The thread is woken before its entry is in the mailbox. */
    wake(target, woken);
    handedOff[target] = 1
#else
    handedOff[target] = 1;                                   /* Mailbox.put */
    if
    :: target == me
    :: target != me -> wake(target, woken)
    fi
#endif
  :: !woken
  fi;
#endif
#ifdef HANDOVER
#ifdef HANDOFF
  goto ledOn;
#endif
handOver:
  true;                                                 /* HandleTable.leave */
#ifdef BROKEN_RING_BEFORE_PUT
  /* The doorbell rings before the entry is in the mailbox. */
  doorbell[target] = 1;
  PUT(target);
#else
  PUT(target);                                          /* Mailbox.put */
  doorbell[target] = 1;
#endif
#if defined(DEATH) && !defined(BROKEN_LATE_PUT)
  /* BROKEN_LATE_PUT: the leader does not look whether the thread died, and its mailbox was cleared, before the put. */
  if
  :: DEAD(target) -> rescan = 1
  :: !DEAD(target)
  fi;
#endif
ledOn:
#endif
  /* After MAX_EVENTS_PER_LEADERSHIP of those it vacates: a choice, but the only one where a flood of them may never end. */
  if
#if !defined(FAIR) && !defined(LEAVING) || defined(BROKEN_LED_ENDLESSLY)
  :: d_step { true -> woken = 0; target = 0 }; goto look
#endif
#ifndef BROKEN_LED_ENDLESSLY
  :: d_step { true -> woken = 0; target = 0; after = STEP }
#endif
  fi
#else
  if                                                    /* spin cannot jump to a d_step */
  :: d_step { true -> UNCLAIMED(me, 0); SET_AFTER(EVENT) }
  fi
#endif
}

#ifdef BROKEN_LEAD_LAST
/* Own work comes first, always. */
#define OWN_WORK_TURN 1
#else
#define OWN_WORK_TURN (!leadFirst)
#endif

/* A thread that is no host defers, unless others rely on it: BROKEN_DEFER_PROMOTED. */
#ifdef BROKEN_DEFER_PROMOTED
#define MAY_DEFER IS(NO_HOST, me)
#else
#define MAY_DEFER (IS(NO_HOST, me) && !promoted)
#endif

inline turns() {
step:
  do
  ::
#ifdef STOP
  if
  :: stopping -> goto leave
  :: !stopping
  fi;
#endif
#if defined(LOOP) && !defined(FAIR)
  /*
   * Enough for one turn: a choice where there is something to return for. It is not in `taken`, where turns that end before
   * they have done anything would be a schedule, too; there, those with deferred work left return to their loops, and LONG does.
   */
  if
  :: !promoted && loopWork[me] -> goto pass
  :: true
  fi;
#endif
#ifdef WORK
  if
#ifdef BROKEN_OWN_WORK_FIRST
  /* A thread that a promotion woke begins with its own work all the same. */
  :: d_step { OWN_WORK_TURN && HAS_WORK(me) -> promoted = 0 }; goto own
  :: d_step { !(OWN_WORK_TURN && HAS_WORK(me)) -> promoted = 0 }
#else
  :: !promoted && OWN_WORK_TURN && HAS_WORK(me) -> goto own
  :: promoted || !OWN_WORK_TURN || !HAS_WORK(me)
#endif
  fi;
#endif
  if
#ifdef BROKEN_NO_CAS
  /* Leadership is taken by a load and a store instead of one exchange. */
  :: LEADER == 0 -> d_step { SET_PROMOTED(0); join() }
#else
  :: d_step { LEADER == 0 -> SET_PROMOTED(0); join() }
#endif
#ifdef NO_HOST
  :: d_step { MAY_DEFER -> defers = 1 }; goto following
#endif
  :: d_step { LEADER != 0 -> SET_PROMOTED(0) };
#ifdef BROKEN_WAKING_LATE
    d_step { clearWaking() };
#endif
#ifdef BROKEN_END_LATE
    d_step { if :: ON_WATCH -> leaveWatch() :: else fi };
#endif
#ifdef NO_HOST
following:
#endif
#if defined(WORK) && !defined(BROKEN_PARK_WITH_WORK)
    /*
     * There is a leader, or the thread defers, so nobody relies on it any more. BROKEN_PARK_WITH_WORK: it parks, and looks for own
     * work only then; if it is on watch it wakes as one that has to try to lead first, and so on.
     */
    if
    :: d_step { HAS_WORK(me) -> SET_DEFERS(0) }; goto own
    :: !HAS_WORK(me)
    fi;
#endif
#ifdef YIELD
parking:
#endif
#ifdef LOOP
    /* #loopDue is 1; or EventLoop.timeoutMs() is 0: a timer is due (2), or watchers wait for the loop to poll. */
    if
    :: d_step { loopDue || loopWork[me] -> SET_DEFERS(0) }; goto pass
    :: !loopDue
    fi;
#endif
#ifdef LONG
    tooLong = 0;
#endif
    park();
#ifdef LOOP
    if
    :: loopDue == 1 && !promoted -> goto pass
    :: loopDue != 1 || promoted
    fi;
#endif
    goto step
  fi;
  d_step { moved = (WATCH != 0) };                      /* EPOCH */
#ifdef BROKEN_WAKING_LATE
  d_step { clearWaking() };
#endif
#ifdef BROKEN_END_LATE
  d_step { if :: ON_WATCH -> leaveWatch() :: else fi };
#endif
#ifdef LONG
  if
  :: d_step { tooLong -> after = PASS }; goto promote      /* #turnWasLong */
  :: !tooLong
  fi;
#endif
#ifdef WORK
  leadFirst = 0;
#endif
LOOK:
  lead();
promote:
  promoteNewLeader();
#ifdef AFTER
  if
  :: after == EVENT
#ifdef WORK
  :: d_step { after == OWN_WORK -> after = EVENT }; goto own
#endif
#if defined(LOOP) || defined(LONG)
  :: d_step { after == PASS -> after = EVENT }; goto pass
#endif
#ifdef TARGETS
  :: d_step { after == STEP -> after = EVENT }; goto step
#endif
  fi;
#endif
#ifdef TIMEOUT
  timeouts();
#endif
handler:
  userCode();
#ifdef LONG
  if
  :: true
  :: tooLong = 1
  fi;
#endif
  goto step;
#ifdef YIELD
yield:
  /* It wakes a thread even if a follower is on watch. Then it parks, and defers. */
  if                                                    /* spin cannot jump to a d_step */
#ifdef BROKEN_YIELD_AGAIN
  /* It may yield again before it has taken an event. */
  :: d_step { true -> vacate(); defers = 1 }
#else
  :: d_step { true -> vacate(); defers = 1; yielded = 1 }
#endif
  fi;
  wakeOne();
  goto parking;
#endif
#ifdef TIMEOUT
expire:
  if
  :: woken ->
    sweep[target] = 1;                                  /* Mailbox.requestSweep */
    if
    :: d_step { target == me -> woken = 0; target = 0 }
    :: target != me -> wake(target, woken);
      if
      :: d_step { woken -> woken = 0; target = 0 }
#ifdef BROKEN_SILENT_EXPIRY
      /* The leader, which waits in the kernel, is not told. */
      :: d_step { !woken -> target = 0 }
#else
      :: d_step { !woken -> target = 0; pending++ }     /* signalEventCounter(wakeUp) */
#endif
      fi
    fi
  :: d_step { !woken -> target = 0 }
  fi;
  goto handler;
#endif
#ifdef WORK
own:
  ownWork();
#ifdef LONG
  if
  :: true
  :: tooLong = 1
  fi;
#endif
  goto step;
#endif
#ifdef AFTER
pass:
  /* Returns to the loop, which does its work, and begins the next turn. */
#ifdef LONG
  tooLong = 0;
#endif
#ifdef LOOP
  if
  :: d_step { loopWork[me] -> loopWork[me] = 0; loopDue = 0 }; userCode()
  :: d_step { !loopWork[me] -> loopDue = 0 }
  fi;
#endif
  goto step;
#endif
#ifdef STOP
leave:
  if
  :: d_step { LEADER == me + 1 -> vacate() }; wakeOne() /* ThreadSet.leave */
  :: LEADER != me + 1
  fi;
  if                                                    /* spin cannot jump to a d_step */
  :: d_step { true -> left[me] = 1; resetLocals() }
  fi;
endLeft:
  false;
#endif
endStuck:
  false
  od
}

proctype Worker(byte me) {
#ifdef FIRST
  bit promoted;
#endif
#ifdef WORK
  bit leadFirst;
#endif
#ifdef AFTER
  byte after;
#endif
#ifdef LOOP
  byte loopDue;
#endif
#ifdef LONG
  bit tooLong;
#endif
  bit woken, changed;
  byte candidate = NOBODY;
#ifdef TARGETS
  byte target;
#endif
#ifdef DEFERS
  bit defers;
#endif
#ifdef YIELD
  bit yielded;
#endif
#ifdef DEATH
  do
  :: { turns() } unless {
      atomic {
        die?eval(me);
        d_step {
          exitPending[me] = 1;
          alive[me] = 0;
          stuck[me] = 0;
#ifdef STOP
          left[me] = 0;
#endif
          if :: unclaimed[me] -> lost++; unclaimed[me] = 0 :: else fi;
          if :: LEADER == me + 1 -> leaders-- :: else fi;
#ifdef LOOP
          loopWork[me] = 0;
#endif
#ifdef DEFER
          deferred[me] = 0;
#endif
          resetLocals()
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
inline anyDies() {
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

proctype Reaper() {
endFirst:
  anyDies();
#if DEATHS > 1
endSecond:
  anyDies()
#endif
}

/* ---- lib/control/recovery.ts ---- */

#if !defined(HANDOVER) || defined(BROKEN_DISCARD_FORGOTTEN)
/* BROKEN_DISCARD_FORGOTTEN: the events that were discarded with the dead thread's mailbox are not asked for again. */
#define DISCARDED 0
#else
#define DISCARDED discarded
#endif

/* The events that the dead leader held, or that were in the dead thread's mailbox, are asked for again. */
inline repair() {
#ifdef BROKEN_REPAIR_LATE
  rescan = 1;
#elif defined(BROKEN_RESCAN_ONCE)
  /* The events that a second leader held, or had begun to scan for, are not asked for again. */
  if
  :: d_step { !asked && LEADER == recovering + 1 -> rescan = 1; asked = 1 }
  :: asked || LEADER != recovering + 1
  fi;
#else
  if
  :: LEADER == recovering + 1 || DISCARDED -> rescan = 1
  :: LEADER != recovering + 1 && !DISCARDED
  fi;
#endif
#ifdef HANDOFF
  if :: IS(HANDOFF, 0) -> sweep[0] = 1 :: else fi;      /* Mailbox.requestSweep */
  if :: IS(HANDOFF, 1) -> sweep[1] = 1 :: else fi;
  if :: IS(HANDOFF, 2) -> sweep[2] = 1 :: else fi
#else
  skip
#endif
}

inline revokeLeadership() {
  d_step { if :: LEADER == recovering + 1 -> LEADER = 0 :: else fi };
#if !defined(BROKEN_WATCH_KEPT) && !defined(BROKEN_WATCH_LATE)
  /* BROKEN_WATCH_KEPT: the dead thread stays on watch. */
  revokeWatch()
#endif
}

inline revokeWatch() {
  d_step { if :: WATCH == recovering + 1 -> leaveWatch() :: else fi }
}

inline removeThread() {
  clearBit(PARKED, recovering);
#ifndef BROKEN_WAKING_KEPT
  /* BROKEN_WAKING_KEPT: the wake-up in flight is not cleared. */
  WAKING = 0;
#endif
#ifndef BROKEN_WAKE_NOBODY
  /* BROKEN_WAKE_NOBODY: the others are not woken. */
  wakeAll()
#endif
}

#ifdef HANDOVER
/* Mailbox.clear. One load of MAILBOX_PUT says whether it discards anything, and is what it stores to MAILBOX_TAKEN. */
inline discard() {
  d_step { discarded = HANDED_OVER_TO(recovering); lost = lost + handedOver[recovering]; handedOver[recovering] = 0 }
}
#endif

/* Handles bound to the dead thread are closed in the step that begins this. */
inline recover() {
#ifdef HANDOVER
  discard();
#endif
#ifndef BROKEN_REPAIR_LATE
  repair();
#endif
#ifndef BROKEN_NO_REVOKE
  /* BROKEN_NO_REVOKE: leadership stays with the dead thread. */
  revokeLeadership();
#endif
  removeThread();
#ifdef BROKEN_WATCH_LATE
  /* The dead thread is removed from the watch only when all threads were woken. */
  revokeWatch();
#endif
#ifdef BROKEN_REPAIR_LATE
  /* The events that the dead leader held are asked for only when its successor may be waiting already. */
  repair();
#endif
#if defined(TIMEOUT) && !defined(BROKEN_SILENT_RECOVERY)
  /*
   * The signal that gets a leader out of the kernel. In this model only a thread that dies in `timeouts` makes it necessary, so
   * it is left out elsewhere, where it would hide other omissions.
   */
  d_step { pending++; recovering = NOBODY }
#elif defined(HANDOVER) && !defined(BROKEN_SILENT_DISCARD)
  /* It is necessary here as well: the leader may wait in the kernel. BROKEN_SILENT_DISCARD has none. */
  d_step { if :: discarded -> pending++; discarded = 0 :: else fi; recovering = NOBODY }
#else
  recovering = NOBODY
#endif
}

#ifdef HANDOFF
#define CLOSE(t) noted[t] = 0; queued[t] = 0; handedOff[t] = 0; sweep[t] = 0    /* its connections are closed, Mailbox.clear */
#define CLEAR(t) handedOff[t] = 0; sweep[t] = 0
#else
#define CLOSE(t) skip
#define CLEAR(t) skip
#endif
#define EXIT(t) d_step { exitPending[t] -> exitPending[t] = 0; recovering = t; CLOSE(t) }
#define MISSING(t) (GIVES && IS(DEATH, t) && !alive[t] && !exitPending[t])
#ifdef HANDOVER
#define REPLACE(t) d_step { MISSING(t) -> recovering = t }; goto replacement
#else
#define REPLACE(t) d_step { MISSING(t) -> alive[t] = 1; CLEAR(t) }
#endif
#endif

/* ---- lib/control ---- */

#if defined(DEATH) || defined(STOP)
inline wakeEach(t) {
#if defined(BROKEN_CLAIMED_LEFT) || defined(BROKEN_PARK_BLIND)
  /* Only those whose bit is set are woken: the thread that the dead one had claimed is left out. */
  wake(t, woken);
  woken = 0
#else
  clearBit(PARKED, t);
  doorbell[t] = 1
#endif
}

inline wakeAll() {
  wakeEach(0);
  wakeEach(1);
  wakeEach(2)
}

/* The main thread. It handles one exit, or stops the set, without doing anything else in between. */
proctype Plane() {
#ifdef BROKEN_RESCAN_ONCE
  bit asked;
#endif
#if defined(BROKEN_CLAIMED_LEFT) || defined(BROKEN_PARK_BLIND)
  bit woken;
#endif
#if defined(HANDOVER) && defined(DEATH)
  bit discarded;
#endif
endIdle:
  do
#ifdef DEATH
  :: EXIT(0); goto recovery
  :: EXIT(1); goto recovery
  :: EXIT(2); goto recovery
#ifndef NO_REPLACEMENT
  :: REPLACE(0)
  :: REPLACE(1)
  :: REPLACE(2)
#endif
#endif
#ifdef STOP
  :: d_step { !stopping -> stopping = 1 };              /* ControlPlane.stop, when nothing is left or the time is up */
    wakeAll();
    d_step { pending++; stopped = 1 }                   /* signalEventCounter(wakeUp): one more event, for one leader */
#endif
  od;
#ifdef DEATH
recovery:
  recover();
  goto endIdle
#if defined(HANDOVER) && !defined(NO_REPLACEMENT)
replacement:
  /* ThreadKeeper.#spawn. An entry may have come since: from a leader that had claimed the thread before. */
  discard();
#ifdef BROKEN_LATE_PUT_LOST
  /* It is discarded without RESCAN. */
  discarded = 0;
#else
  /* No signal: the leader that has put it has yet to look at STATE, which becomes STARTING after this, so it reads RESCAN later. */
  if
  :: d_step { discarded -> rescan = 1; discarded = 0 }
  :: !discarded
  fi;
#endif
  d_step { CLEAR(recovering); alive[recovering] = 1; recovering = NOBODY };
  goto endIdle
#endif
#endif
}
#endif

/* Never set; names for pan to print. */
hidden byte everybodyLeft, eventsTaken, ownWorkDone, somebodyLeads;

/* Where a thread that is not in a handler may wait: asleep, or in the kernel for an event. */
#ifdef BROKEN_DEAF_SLEEP
#define SLEEPS_ON(t) 1
#else
#define SLEEPS_ON(t) (!LOOP_WORK(t))
#endif
#ifdef BROKEN_DEAF_WAIT
#define WAITS_ON(t) 1
#else
#define WAITS_ON(t) (!LOOP_WORK(t))
#endif
#define ASLEEP(t, p) (Worker[p]@endSleep && WATCH != t + 1 && !doorbell[t] && SLEEPS_ON(t))
#define IN_KERNEL(t, p) (LEADER == t + 1 && Worker[p]@endInKernel && pending == 0 && WAITS_ON(t))
#define WAITS(t, p) (!RUNNING(t) || ASLEEP(t, p) || IN_KERNEL(t, p))
#define AT_REST (RECOVERED && STOP_DONE && WAITS(0, 1) && WAITS(1, 2) && WAITS(2, 3))
#define GOAL (LEFT_IF_STOPPED && TAKEN && OWN_DONE && LED_OR_NOBODY)

proctype World() {
#ifdef SUPPLY
  byte supply;
#endif
#ifdef LOOP_SUPPLY
  byte loopSupply;
#endif
endIdle:
  do
#ifdef SUPPLY
  :: d_step { GIVES && pending < EVENTS && supply < SUPPLY -> pending++; supply++ }
#else
  :: d_step { GIVES && pending < EVENTS -> pending++ }
#endif
#ifdef LOOP
#ifdef LOOP_SUPPLY
#define GIVE_LOOP(t) d_step { GIVES && IS(LOOP, t) && ALIVE(t) && !LEFT(t) && !loopWork[t] && loopSupply < LOOP_SUPPLY -> loopWork[t] = 1; loopSupply++ }
#else
#define GIVE_LOOP(t) d_step { GIVES && IS(LOOP, t) && ALIVE(t) && !LEFT(t) && !loopWork[t] -> loopWork[t] = 1 }
#endif
  :: GIVE_LOOP(0)
  :: GIVE_LOOP(1)
  :: GIVE_LOOP(2)
#endif
#ifdef PROMISE
  :: d_step { !silent -> silent = 1 }
#endif
#ifndef NO_RESTS
  :: !GOAL && AT_REST ->
    assert(everybodyLeft || LEFT_IF_STOPPED);           /* else a thread stays for ever */
    assert(eventsTaken || TAKEN);                       /* else a lost wake-up: an event waits, and so does a thread */
    assert(ownWorkDone || OWN_DONE);                    /* else a hand-off, or other work of a thread's own, was left */
    assert(somebodyLeads || LED_OR_NOBODY)              /* else no thread would see the next event */
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
    run Reaper();
#endif
#if defined(DEATH) || defined(STOP)
    run Plane();
#endif
    run World()
  }
}

#ifdef PROMISE
ltl served { [] (silent -> <> (AT_REST && GOAL)) }
#endif
#ifdef FAIR
ltl taken { ([]<> foundAwake) || (([]<> TAKEN) && ([]<> HAND_OFFS_TAKEN(0)) && ([]<> HAND_OFFS_TAKEN(1)) && ([]<> HAND_OFFS_TAKEN(2))) }
#endif
#ifdef LEAVING
ltl left { [] (stopped -> <> (!ANY_RUNNING)) }
#endif
