/*
 * Dealing in half-sync/half-async, for spin: an acceptor, two workers with handle sets of their own, and two connections, explored exhaustively.
 *
 *   in the model               in the code
 *   accept                     lib/connection/acceptor.ts, Acceptor: #acceptSome, #register; deal of lib/connection/dealing.ts is a choice: any worker
 *   register, modify           lib/set/handle-set.ts, HandleSet: completeRegistration, resumeHandle
 *   scan                       lib/set/ready-list.ts, ReadyList: #scan, with HandleSet.reportsElsewhere
 *   claim, leave               lib/set/handle-table.ts, HandleTable
 *   process                    lib/connection/connection.ts: receives, runs the handler, then closes or leaves
 *   close                      lib/connection/close.ts, closeConnection
 *   Acceptor, Worker           lib/strategies/half-sync-half-async.ts, HalfSyncHalfAsync
 *   Plane                      recover of lib/control/recovery.ts, with strays.ts; draining of lib/control/shutdown.ts
 *   Reaper                     the death of threads
 *   Clients                    they connect, and send SUPPLY times in all
 *
 * Each Atomics operation is one step, and so is each system call. `d_step` makes a read-modify-write, or joins an atomic operation with the
 * plain stores right after it, between which no thread can be terminated (lib/connection/acceptor.ts), or ties ghost words and locals to the
 * step that they belong to.
 *
 * Configurations, by -D:
 *   (none)        handlers may never end
 *   TIMEOUTS=n    so many times at most, the acceptor enters an idle connection of any worker, and may close it
 *   DEATH=set     a thread of the set (as bits; 1 is the acceptor) dies between any two steps, and is replaced, also while the set drains
 *   DEATHS=n      how many deaths, 1 or 2
 *   DRAIN         the set drains, once, at any time
 *   SUPPLY=n      how often clients send, in all
 * Broken variants, by -DBROKEN_…, must fail; each is explained where it changes the protocol.
 *
 * Claims:
 *   one set           no connection is added to a set while it is in another one.
 *   one inside        at most one thread is inside a connection.
 *   at rest           whenever no thread can take a step:
 *     input served      no open connection has unread input,
 *     counts            CONNECTIONS and each OWN_CONNECTIONS are the number of open connections; so they are 0 when all are closed,
 *     drained           if the set drains, no connection is open,
 *                     each except for connections of a worker that is inside a handler that never ends: a blocked worker stalls its own.
 *                     A client that is not accepted, and an acceptor or a worker that sleeps beside something to do, are states of rest with
 *                     unread input.
 *
 * Left out: generations, as a descriptor's number is used once; what is bound to a thread, and so doorbells (election.pml has the hand-off by the
 * timeouts, which is the same here); the ready lists, which are part of the kernel's, except for the event that a thread has taken and that is
 * lost if it dies.
 */

#define N 3
#define ACCEPTOR 0
#define C 2
#ifndef SUPPLY
#define SUPPLY 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define IS(macro, t) ((macro >> (t)) & 1)

/* ---- shared words (lib/memory/layout.ts) ---- */

byte CONNECTIONS;
byte OWN_CONNECTIONS[N];
byte ACCEPTING;            /* the acceptor's; NOTHING, PLACE, or FIRST + the connection */
byte ACCEPTING_TO;
byte CLOSING[N];           /* NOTHING, or FIRST + the connection */
byte CLOSING_OF[N];
bit RESCAN;
#define NOTHING 0
#define PLACE 1
#define FIRST 2

/* A connection's record. */
byte state[C];
#define FREE 0
#define IDLE 1
#define INSIDE 2
byte owner[C];
bit noted[C];
byte set[C];

/* ---- the kernel, and clients ---- */

byte client[C];            /* NONE, WAITS in the accept queue, ACCEPTED, GONE */
#define NONE 0
#define WAITS 1
#define ACCEPTED 2
#define GONE 3
bit input[C];              /* unread */
byte inSets[C];            /* bits of the sets that the descriptor is in */
bit ready[C];              /* its set has an event of it */
bit signal;                /* the wake-up handle, in the shared set */
bit draining;
#ifdef DRAIN
bit closed;                /* the listening handles are */
bit begun;                 /* the set may drain now, and does before everything is at rest */
#endif

/* ---- ghost: for the claims ---- */

bit alive[N];
bit stuck[N];              /* in a handler that never ends */
byte inside[C];            /* threads */
bit accepts;               /* the acceptor is inside the listening handle */

#ifdef DEATH
chan die = [0] of { byte };
bit exitPending[N];        /* it is dead, and the control plane does not know yet */
#endif

/* ---- lib/set/handle-set.ts ---- */

/* With EPOLLOUT everything that is in a set is ready. */
inline modify(c, writable) {
  d_step { if :: inSets[c] != 0 && (writable || input[c]) -> ready[c] = 1 :: else fi }
}

/* The second half of a registration: the caller is inside. */
inline register(c) {
  d_step {
    assert(inSets[c] == 0);                             /* one set */
    inSets[c] = 1 << set[c];
    ready[c] = input[c]
  };
#ifdef BROKEN_LEAVE_BLIND
  /* What was noted meanwhile is not reported again. */
  d_step { state[c] = IDLE; noted[c] = 0; inside[c]-- }
#else
  do
  :: d_step { noted[c] -> noted[c] = 0 }; modify(c, 0)
  :: d_step { !noted[c] -> state[c] = IDLE; inside[c]-- }; break
  od
#endif
}

/* ---- lib/connection/close.ts ---- */

inline close(c) {
#ifdef BROKEN_CLOSE_UNRECORDED
  /* The close does not record whose set counts the connection. */
  d_step { CLOSING[me] = FIRST + c };
#else
  d_step { CLOSING[me] = FIRST + c; CLOSING_OF[me] = set[c] };
#endif
  d_step { state[c] = FREE; noted[c] = 0; inside[c]-- };
  d_step { inSets[c] = 0; ready[c] = 0; input[c] = 0; client[c] = GONE };
  d_step { CONNECTIONS--; CLOSING[me] = NOTHING };
  d_step { OWN_CONNECTIONS[set[c]]--; CLOSING_OF[me] = 0 }
}

/* ---- a connection that the thread is inside ---- */

#define ENTER(c) state[c] = INSIDE; owner[c] = me; inside[c]++; assert(inside[c] == 1)

/* Receives, runs the handler, and closes or leaves: `process` until nothing is noted. */
inline process(c) {
  do
  :: input[c] = 0;
    if
    :: true
    :: me != ACCEPTOR -> d_step { stuck[me] = 1 };      /* a handler that never ends */
endStuck:
      false
    fi;
    if
    :: close(c); break
    :: !draining ->
      if
      :: d_step { noted[c] -> noted[c] = 0 }
      :: d_step { !noted[c] -> state[c] = IDLE; inside[c]-- }; break
      fi
    fi
  od
}

/* Takes the event of a handle that is ready: the one that it has taken is lost if it dies before the claim. */
inline handle(c) {
  if
  :: d_step { state[c] == IDLE -> ENTER(c) }; process(c)
  :: d_step { state[c] == INSIDE -> noted[c] = 1 }
  :: state[c] == FREE
  fi
}

/* ---- the acceptor ---- */

inline accept() {
  d_step { CONNECTIONS++; ACCEPTING = PLACE };
  if                                                    /* accept4 */
  :: d_step { client[0] == WAITS -> client[0] = ACCEPTED; c = 0 }
  :: d_step { client[1] == WAITS -> client[1] = ACCEPTED; c = 1 }
  fi;
  ACCEPTING = FIRST + c;
  if                                                    /* deal */
  :: w = 1
  :: w = 2
  fi;
#ifdef BROKEN_DEAL_UNRECORDED
  /* The acceptor does not record whose set counts the connection. */
  d_step { OWN_CONNECTIONS[w]++ };
#elif !defined(BROKEN_COUNT_LATE)
  d_step { OWN_CONNECTIONS[w]++; ACCEPTING_TO = w };
#endif
  set[c] = w;                                           /* HandleTable.open */
  d_step { ENTER(c) };
#ifdef BROKEN_COUNT_LATE
  /* The set counts it once the record is open, which is too late for recovery to tell. */
  d_step { OWN_CONNECTIONS[w]++; ACCEPTING_TO = w };
#endif
  ACCEPTING_TO = 0;
  ACCEPTING = NOTHING;
  register(c)
}

inline scanOne(c) {
  if
  :: state[c] == FREE
  :: state[c] != FREE ->
#ifdef BROKEN_SCAN_ADDS
    /* The scan takes the connection into the acceptor's own set. */
    d_step { assert(inSets[c] == 0); inSets[c] = 1 }
#else
    modify(c, 1)
#endif
  fi
}

#ifdef TIMEOUTS
/* Connections past their deadlines. One that a thread is inside is left to that thread. */
#define EXPIRE(x) d_step { timeouts < TIMEOUTS && state[x] == IDLE -> timeouts++; c = x; ENTER(x) }; process(c)
byte timeouts;
#endif

proctype Acceptor() {
  byte c, w;
  byte me = ACCEPTOR;
#ifdef DEATH
  do
  :: {
#endif
  do
  :: if
    :: d_step { RESCAN -> RESCAN = 0; c = 0 }; scanOne(c); c = 1; scanOne(c)
    :: !RESCAN
    fi;
endWait:
    if
    :: signal -> signal = 0
    :: d_step { !draining && (client[0] == WAITS || client[1] == WAITS) -> accepts = 1 };
      accept();
      accepts = 0
#ifdef TIMEOUTS
    :: EXPIRE(0)
    :: EXPIRE(1)
#endif
    fi
  od
#ifdef DEATH
  } unless { atomic { die?0; d_step { exitPending[0] = 1; alive[0] = 0; c = 0; w = 0 } } };
endDead:
    alive[0]
  od
#endif
}

/* ---- a worker ---- */

#define TAKE(c) d_step { ready[c] && inSets[c] == 1 << me -> ready[c] = 0 }; handle(c)

proctype Worker(byte me) {
#ifdef DEATH
  do
  :: {
#endif
  do
  :: true;
endWait:
    if
    :: TAKE(0)
    :: TAKE(1)
    fi
  od
#ifdef DEATH
  } unless { atomic { die?eval(me); d_step { exitPending[me] = 1; alive[me] = 0; stuck[me] = 0 } } };
endDead:
    alive[me]
  od
#endif
}

#ifdef DEATH
proctype Reaper() {
  byte deaths;
endReaper:
  do
  :: deaths < DEATHS ->
    if
    :: break
#if DEATH & 1
    :: die!0; deaths++
#endif
#if DEATH & 2
    :: die!1; deaths++
#endif
#if DEATH & 4
    :: die!2; deaths++
#endif
    fi
  :: deaths == DEATHS -> break
  od
}
#endif

/* ---- the control plane ---- */

#define HANG_UP(c) inSets[c] = 0; ready[c] = 0; input[c] = 0; client[c] = GONE

/* One number of accept4 that the dead acceptor did not record: found by its address (strays.ts). */
#define STRAY(c) (client[c] == ACCEPTED && state[c] == FREE && CLOSING[1] != FIRST + c && CLOSING[2] != FIRST + c && CLOSING[0] != FIRST + c)

inline completeAccept() {
  d_step { recorded = ACCEPTING; counted = ACCEPTING_TO; ACCEPTING = NOTHING; ACCEPTING_TO = 0 };
  if
  :: recorded == NOTHING
  :: recorded == PLACE ->
    d_step {
      if
      :: STRAY(0) -> HANG_UP(0)
      :: else ->
        if :: STRAY(1) -> HANG_UP(1) :: else fi
      fi
    };
    CONNECTIONS--
  :: recorded >= FIRST && state[recorded - FIRST] != FREE && owner[recorded - FIRST] == ACCEPTOR
  :: recorded >= FIRST && state[recorded - FIRST] == FREE ->
    d_step { HANG_UP(recorded - FIRST) };
    CONNECTIONS--;
    uncount()
  fi
}

/* The connection's set counts it no longer. */
inline uncount() {
  if
  :: counted != 0 -> d_step { OWN_CONNECTIONS[counted]-- }
  :: counted == 0
  fi
}

inline completeClose() {
  d_step { recorded = CLOSING[dead]; counted = CLOSING_OF[dead]; CLOSING[dead] = NOTHING; CLOSING_OF[dead] = 0 };
  if
  :: recorded == NOTHING -> uncount()
  :: recorded != NOTHING && state[recorded - FIRST] != FREE                     /* it was not closed yet */
  :: recorded != NOTHING && state[recorded - FIRST] == FREE ->
    d_step { HANG_UP(recorded - FIRST) };
    CONNECTIONS--;
    uncount()
  fi
}

/* closeOrphan */
inline release(c) {
  if
  :: state[c] == INSIDE && owner[c] == dead ->
    d_step { state[c] = FREE; noted[c] = 0; inside[c]-- };
    d_step { HANG_UP(c) };
    CONNECTIONS--;
    d_step { OWN_CONNECTIONS[set[c]]-- }
  :: !(state[c] == INSIDE && owner[c] == dead)
  fi
}

#ifdef DEATH
#define EXIT(t) d_step { exitPending[t] -> exitPending[t] = 0; dead = t }; goto recovery
#ifdef BROKEN_NO_REPLACEMENT
/* BROKEN_NO_REPLACEMENT: threads that die while the set drains are not replaced. */
#define IS_REPLACED !draining
#else
#define IS_REPLACED true
#endif
#define REPLACE(t) d_step { IS(DEATH, t) && !alive[t] && !exitPending[t] && IS_REPLACED -> alive[t] = 1 }
#endif

#if defined(DEATH) || defined(DRAIN)
proctype Plane() {
  byte dead, recorded, counted;
endIdle:
  do
#ifdef DEATH
  :: EXIT(0)
  :: EXIT(1)
  :: EXIT(2)
  :: REPLACE(0)
  :: REPLACE(1)
  :: REPLACE(2)
#endif
#ifdef DRAIN
  :: d_step { !draining && begun -> draining = 1 }
  :: d_step { draining && !closed && !accepts -> closed = 1 };   /* Listeners.close: no thread is inside the listening handle */
    RESCAN = 1;
    signal = 1
#endif
  od;
#ifdef DEATH
recovery:
  if
  :: dead == ACCEPTOR -> completeAccept(); accepts = 0
  :: dead != ACCEPTOR
  fi;
  completeClose();
  release(0);
  release(1);
#ifndef BROKEN_NO_RESCAN
  /* BROKEN_NO_RESCAN: an event that a dead worker had taken is not asked for again. */
  RESCAN = 1;
#endif
#ifndef BROKEN_SILENT
  /* BROKEN_SILENT: the acceptor, which waits in the kernel, is not told. */
  signal = 1;
#endif
  d_step { dead = 0; recorded = 0; counted = 0 };
  goto endIdle
#endif
}
#endif

/* ---- clients, and the claims at rest ---- */

#define OPEN(c) (client[c] == ACCEPTED)
#define OF(c, w) (OPEN(c) && set[c] == w)
#define STALLED(c) (stuck[set[c]])
#define SERVED(c) (!(client[c] == WAITS && !draining) && (!(OPEN(c) && input[c]) || STALLED(c)))
#define DRAINED(c) (!draining || !OPEN(c) || STALLED(c))

/* Never set; names for pan to print. */
hidden byte inputServed, counts, drained;

#define CONNECT(c) d_step { client[c] == NONE -> client[c] = WAITS }
#define SEND(c) d_step { !silent && sent < SUPPLY && (client[c] == WAITS || client[c] == ACCEPTED) -> sent++; input[c] = 1; if :: inSets[c] != 0 -> ready[c] = 1 :: else fi }

proctype Clients() {
  byte sent;
  bit silent;
  do
  :: d_step { !silent -> silent = 1 }
  :: CONNECT(0)
  :: CONNECT(1)
  :: SEND(0)
  :: SEND(1)
#ifdef DRAIN
  :: d_step { !begun -> begun = 1 }
#endif
  :: timeout ->
    assert(inputServed || (SERVED(0) && SERVED(1)));
    assert(counts || (CONNECTIONS == OPEN(0) + OPEN(1) && OWN_CONNECTIONS[1] == OF(0, 1) + OF(1, 1) && OWN_CONNECTIONS[2] == OF(0, 2) + OF(1, 2)));
    assert(drained || (DRAINED(0) && DRAINED(1)));
    break
  od
}

init {
  atomic {
    alive[0] = 1; alive[1] = 1; alive[2] = 1;
    run Acceptor();
    run Worker(1);
    run Worker(2);
#ifdef DEATH
    run Reaper();
#endif
#if defined(DEATH) || defined(DRAIN)
    run Plane();
#endif
    run Clients()
  }
}
