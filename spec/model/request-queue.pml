/*
 * The request queue of Paceline, with its wake-ups, for spin: an I/O thread and two workers, explored exhaustively.
 *
 *   in the model                  in the code
 *   put, hasRoom                  lib/set/request-queue.ts, RequestQueue; take, hasEntry and settled are inside of worker, releaseTaken of Plane
 *   wakeForPut, check, madeRoom   lib/set/queue-wake-ups.ts, QueueWakeUps: put, check, madeRoom; awaitRoom and hasRoom are inside of ioThread
 *   wakeOther, lookAtBits, wake   lib/set/parking-lot.ts, ParkingLot: wakeOther, othersAreAwake, wake; its park is inside of both threads
 *   ioThread, worker              lib/strategies/half-sync-half-reactive.ts, IoThread and QueueWorker
 *   Plane                         recover of lib/control/recovery.ts, and the replacement of lib/control/thread-keeper.ts
 *   Reaper                        the death of threads
 *   init                          clients; it supplies SUPPLY events in all, and may stop at any number
 *
 * Each Atomics operation is one step, and so is each system call. `d_step` makes a read-modify-write, or joins an atomic operation with the
 * plain stores right after it, between which no thread can be terminated (connection/acceptor.ts), or ties ghost words to the step that they
 * belong to. The plain words of a cell are written and read in steps of their own, so an entry that is torn would be seen.
 *
 * Positions do not wrap here: a bound on the events that come in all bounds them. A worker that is awake may look for other work, run its own
 * event loop, and return to its queue at any time: nothing of that is a step here, because it delays the worker only.
 *
 * Time: an interval of the I/O thread may be over at any moment while entries wait. Its check of whether something was taken is exact. An
 * interval that would change nothing, because no worker is parked and nothing was taken, is no step: it is part of a longer one. A backlog and
 * long events are choices (a put, or a worker that takes, may wake one worker more at any time).
 *
 * Configurations, by -D:
 *   (none)        handlers may never end; after a stall one worker more is woken
 *   UNTIMED       no interval is ever over, and every handler ends: the wake-ups of puts alone keep the workers busy
 *   ALONE         one worker only
 *   LEAN          no wake-ups by choice: only those that the protocol needs
 *   DEATH=set     a thread of the set (as bits; 1 is the I/O thread) dies between any two steps, and is replaced
 *   DEATHS=n      how many deaths, 1 or 2
 *   ROOM=n        cells of the queue, 1 or 2; the I/O thread goes on when half of them, or one, is free
 *   SUPPLY=n      events that come in all
 *   PROMISE       the claim `served` instead of the claim at rest
 * Broken variants, by -DBROKEN_…, must fail; each is explained where it changes the protocol.
 *
 * Claims:
 *   entry whole      a worker reads from a cell the entry that was put for the position that it took.
 *   events taken     whenever no thread can take a step, no event is left in the kernel, in the queue, or lost with a dead thread; unless the
 *                    I/O thread is dead for good, or every worker is inside a handler that never ends. A queue that is jammed, a worker
 *                    that sleeps beside an entry, and an I/O thread that sleeps beside a free cell are such states of rest.
 *   served           that rest is reached on every schedule, fair or not: no thread spins for ever.
 */

#define WORKERS 2
#define N 3
#define IO 0
#ifndef ROOM
#define ROOM 2
#endif
#ifndef SUPPLY
#define SUPPLY 4
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define IS(macro, t) ((macro >> (t)) & 1)

/* ---- shared words (lib/memory/layout.ts) ---- */

byte QUEUE_PUT;
byte QUEUE_TAKEN;
bit QUEUE_AWAITED;         /* the I/O thread waits for room */
/* The state of a cell: twice the lap, plus 1 if it is full. */
byte cell[ROOM];
byte entry[ROOM];          /* what the cell has: 1 + the position that it was put for */
byte TAKING[N];            /* 0; 1 + the cell; UNCLAIMED */
#define UNCLAIMED 255
byte PARKED;               /* a bit for each thread */
bit doorbell[N];
bit RESCAN;
byte pending;              /* events in the kernel and in the ready list */

#define CELL(p) ((p) % ROOM)
#define FREE(p) (2 * ((p) / ROOM))
#define FULL(p) (FREE(p) + 1)
#define LENGTH (QUEUE_PUT - QUEUE_TAKEN)
#define HALF ((ROOM) / 2)
#define HAS_BIT(t) ((PARKED >> (t)) & 1)

/* ---- ghost: for the claims ---- */

bit alive[N];
bit stuck[N];              /* in a handler that never ends */
byte lost;                 /* events that died with a thread, until a rescan finds them */
bit holds[N];              /* it has an event that it has taken and not put, or not claimed */

#define RUNNING(t) (alive[t] && !stuck[t])

#ifdef DEATH
chan die = [0] of { byte };
bit exitPending[N];        /* it is dead, and the control plane does not know yet */
#endif

/* ---- lib/set/parking-lot.ts ---- */

inline setBit(t) {
  PARKED = PARKED | (1 << (t))
}

/* ParkingLot.wake: to claim the thread, then to ring. */
inline wake(t) {
  if
  :: d_step { HAS_BIT(t) -> PARKED = PARKED & ~(1 << (t)) };
    doorbell[t] = 1
  :: !HAS_BIT(t)
  fi
}

/* ParkingLot.wakeOther: of the workers that the mask had, the first that has not woken by itself. */
inline wakeOther() {
  mask = PARKED & 6;
  do
  :: mask & 2 ->
    if
    :: d_step { HAS_BIT(1) -> PARKED = PARKED & ~2; mask = 0 }; doorbell[1] = 1
    :: d_step { !HAS_BIT(1) -> mask = mask & ~2 }
    fi
  :: mask == 4 ->
    if
    :: d_step { HAS_BIT(2) -> PARKED = PARKED & ~4; mask = 0 }; doorbell[2] = 1
    :: d_step { !HAS_BIT(2) -> mask = 0 }
    fi
  :: mask == 0 -> break
  od
}

/* ---- the I/O thread ---- */

#ifdef DEATH
/* STATE of a thread that recovery has declared dead, or that has not begun. A thread that dies later counts as awake until then. */
#define NOT_THERE(t) (!alive[t] && !exitPending[t])
#else
#define NOT_THERE(t) 0
#endif
#ifdef ALONE
#define ASLEEP(t) (t == 2 || HAS_BIT(t) || NOT_THERE(t))
#else
#define ASLEEP(t) (HAS_BIT(t) || NOT_THERE(t))
#endif

/* ParkingLot.othersAreAwake. */
inline lookAtBits() {
  if
  :: ASLEEP(1) -> noneAwake = ASLEEP(2)
  :: !ASLEEP(1)
  fi
}

/* QueueWakeUps.put, after RequestQueue.put. */
inline wakeForPut() {
#ifdef BROKEN_NO_WAKE
  /* A put wakes nobody. */
  true
#else
#ifndef BROKEN_BITS_FIRST
  /* BROKEN_BITS_FIRST: the bits are read before the entry is put. */
  lookAtBits();
#endif
  if
  :: d_step { noneAwake -> noneAwake = 0 }; wakeOther()
  :: !noneAwake
#ifndef LEAN
  :: !noneAwake -> wakeOther()                          /* unthrottled, or a backlog */
#endif
  fi
#endif
}

/* RequestQueue.put, for an event that the I/O thread has taken from the ready list. There is room. */
inline put() {
#ifdef BROKEN_BITS_FIRST
  lookAtBits();
#endif
#ifdef BROKEN_FULL_FIRST
  /* The cell is full before its words are written. */
  d_step { cell[CELL(QUEUE_PUT)] = FULL(QUEUE_PUT); QUEUE_PUT++; holds[IO] = 0 };
  entry[CELL(QUEUE_PUT - 1)] = QUEUE_PUT;
#else
  entry[CELL(QUEUE_PUT)] = QUEUE_PUT + 1;
#ifdef BROKEN_COUNTED_LATE
  /* QUEUE_PUT counts the entry in a step of its own, before which the thread may die. */
  d_step { cell[CELL(QUEUE_PUT)] = FULL(QUEUE_PUT); holds[IO] = 0 };
  QUEUE_PUT++;
#else
  d_step { cell[CELL(QUEUE_PUT)] = FULL(QUEUE_PUT); QUEUE_PUT++; holds[IO] = 0 };
#endif
#endif
  wakeForPut()
}

/* RequestQueue.hasRoom; that of QueueWakeUps asks for LENGTH <= HALF as well. */
#define CELL_IS_FREE (cell[CELL(QUEUE_PUT)] == FREE(QUEUE_PUT))

/* QueueWakeUps.check. The clock is not here: it is asked where an interval may be over. */
inline check() {
  if
  :: d_step { QUEUE_TAKEN != takenThen -> takenThen = QUEUE_TAKEN }
  :: QUEUE_TAKEN == takenThen -> wakeOther()
  fi
}

/* Whether an interval that is over would change anything. */
#ifdef UNTIMED
#define INTERVAL_OVER 0
#else
#define INTERVAL_OVER (LENGTH > 0 && (QUEUE_TAKEN != takenThen || (PARKED & 6) != 0))
#endif

inline ioThread() {
  true;
step:
  /* IoThread.#queueEvents */
  if
  :: CELL_IS_FREE
  :: !CELL_IS_FREE -> goto awaitRoom
  fi;
  if
  :: d_step { RESCAN -> RESCAN = 0 };
    d_step { pending = pending + lost; lost = 0 }
  :: !RESCAN
  fi;
endInKernel:
  /* The wait in the kernel and the take from the ready list. The wake-up handle is an event, too. */
  if
  :: d_step { pending > 0 -> pending--; holds[IO] = 1 }; put(); goto step
  :: RESCAN -> goto step                                /* signalled by the end of recovery */
#ifndef BROKEN_NO_CHECK
  /* BROKEN_NO_CHECK: the I/O thread waits without a limit, whatever the workers do. */
  :: INTERVAL_OVER -> check(); goto step
#endif
  fi;
awaitRoom:
#ifdef BROKEN_ROOM_FIRST
  /* It looks for room before it says that it waits for it. */
  if
  :: CELL_IS_FREE && LENGTH <= HALF -> goto step
  :: !(CELL_IS_FREE && LENGTH <= HALF)
  fi;
#endif
#ifdef BROKEN_AWAITED_LATE
  /* It says that it waits only when it has looked for room. */
  setBit(IO);
  if
  :: CELL_IS_FREE && LENGTH <= HALF -> goto awake
  :: !(CELL_IS_FREE && LENGTH <= HALF)
  fi;
  QUEUE_AWAITED = 1;
#else
  QUEUE_AWAITED = 1;
  setBit(IO);
#ifndef BROKEN_ROOM_FIRST
  if
  :: CELL_IS_FREE ->
    if
    :: LENGTH <= HALF -> goto awake
    :: LENGTH > HALF
    fi
  :: !CELL_IS_FREE
  fi;
#endif
#endif
endParked:
  if
  :: d_step { doorbell[IO] -> doorbell[IO] = 0 }
  :: INTERVAL_OVER -> check()
  fi;
awake:
  PARKED = PARKED & ~1;
#ifndef BROKEN_AWAITED_CLEARED
  QUEUE_AWAITED = 0;
#endif
  goto step
}

/* Locals that no longer matter; for fewer states. */
inline resetLocals() {
  mask = 0;
  noneAwake = 0;
  takenThen = 0;
  position = 0
}

#ifdef DEATH
#define DIES atomic { die?eval(me); d_step { exitPending[me] = 1; alive[me] = 0; stuck[me] = 0; lost = lost + holds[me]; holds[me] = 0; resetLocals() } }
#endif

/* ---- workers ---- */

/* QueueWakeUps.madeRoom. */
inline madeRoom() {
#ifdef BROKEN_SILENT_ROOM
  /* A worker that has made room wakes nobody. */
  true
#else
  if
  :: QUEUE_AWAITED == 0
  :: QUEUE_AWAITED != 0 ->
    if
    :: LENGTH > HALF
#ifdef BROKEN_AWAITED_CLEARED
    /* The worker clears the word, in place of the I/O thread: that may be about to park again, for a cell that a third thread has to free. */
    :: LENGTH <= HALF ->
      if
      :: d_step { QUEUE_AWAITED != 0 -> QUEUE_AWAITED = 0 }; wake(IO)
      :: QUEUE_AWAITED == 0
      fi
#else
    :: LENGTH <= HALF -> wake(IO)
#endif
    fi
  fi
#endif
}

inline worker() {
  true;
step:
  position = QUEUE_TAKEN;
  /* RequestQueue.take */
  if
  :: cell[CELL(position)] < FULL(position) -> goto park
  :: cell[CELL(position)] > FULL(position) -> goto step
  :: cell[CELL(position)] == FULL(position)
  fi;
  if
#ifdef BROKEN_NO_RECORD
  /* It does not record the cell of the position that it takes. */
  :: d_step { QUEUE_TAKEN == position -> QUEUE_TAKEN++; holds[me] = 1 }
#elif defined(BROKEN_RECORDED_LATE)
  /* It records the cell in a step of its own, before which it may die. */
  :: d_step { QUEUE_TAKEN == position -> QUEUE_TAKEN++; holds[me] = 1 };
    TAKING[me] = 1 + CELL(position)
#elif defined(BROKEN_NO_CAS)
  /* The position is taken by a load and a store. */
  :: QUEUE_TAKEN == position -> d_step { QUEUE_TAKEN = position + 1; TAKING[me] = 1 + CELL(position); holds[me] = 1 }
#else
  :: d_step { QUEUE_TAKEN == position -> QUEUE_TAKEN++; TAKING[me] = 1 + CELL(position); holds[me] = 1 }
#endif
  :: QUEUE_TAKEN != position -> goto step
  fi;
#ifdef BROKEN_FREED_FIRST
  /* The cell is free before its words are read. */
  d_step { cell[CELL(position)] = FREE(position + ROOM); TAKING[me] = UNCLAIMED };
  assert(entry[CELL(position)] == position + 1 /* entryWhole */);
#else
  assert(entry[CELL(position)] == position + 1 /* entryWhole */);
#ifdef BROKEN_RECORD_KEPT
  /* The record of the cell stays until the handle is claimed: recovery frees the cell again, with the next lap's entry in it. */
  cell[CELL(position)] = FREE(position + ROOM);
#else
  d_step { cell[CELL(position)] = FREE(position + ROOM); TAKING[me] = UNCLAIMED };
#endif
#endif
#ifdef BROKEN_SETTLED_EARLY
  /* Nothing is recorded of an entry that is read and not claimed. */
  TAKING[me] = 0;
#endif
  madeRoom();
  /* HandleTable.claim; settled */
  holds[me] = 0;
  d_step { TAKING[me] = 0; position = 0 };
#ifndef LEAN
  /* leavesEntries: events of this worker are long. */
  if
  :: true
  :: QUEUE_PUT != QUEUE_TAKEN -> wakeOther()
  fi;
#endif
  if
  :: true
#ifndef UNTIMED
  :: d_step { true -> stuck[me] = 1 }; goto endStuck
#endif
  fi;
  goto step;
park:
#ifdef BROKEN_LOOK_FIRST
  /* It looks into the queue before its bit is set, and not after. */
  position = 0;
  setBit(me);
#else
  setBit(me);
  /* RequestQueue.hasEntry */
  position = QUEUE_TAKEN;
  if
  :: cell[CELL(position)] >= FULL(position) -> goto awake
  :: cell[CELL(position)] < FULL(position) -> position = 0
  fi;
#endif
endParked:
  /* The doorbell. Its own loop may wake it as well, whenever; but that would be a claim's only hope, so it is left out. */
  d_step { doorbell[me] -> doorbell[me] = 0 };
awake:
  PARKED = PARKED & ~(1 << me);
  position = 0;
  goto step;
endStuck:
  false
}

#ifdef DEATH
#define MORTAL(thread) do :: { thread() } unless { DIES }; endDead: alive[me] /* the replacement has begun */ od
#else
#define MORTAL(thread) thread()
#endif

proctype IoThread(byte me) {
  byte mask, takenThen, position;
  bit noneAwake;
  MORTAL(ioThread)
}

proctype Worker(byte me) {
  byte mask, takenThen, position;
  bit noneAwake;
  MORTAL(worker)
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
  :: break                                              /* no further death */
  fi
}

proctype Reaper() {
  byte deaths;
  do
  :: deaths < DEATHS -> anyDies(); deaths++
  :: deaths == DEATHS -> break
  od
}

/* The main thread: it recovers what one dead thread held, and starts its replacement. */
proctype Plane() {
  byte dead;
endPlane:
  if
  :: exitPending[0] -> dead = 0
  :: exitPending[1] -> dead = 1
  :: exitPending[2] -> dead = 2
  fi;
  exitPending[dead] = 0;                                /* moveState: DEAD */
  /* releaseTaken; then RESCAN. Leadership: the I/O thread always held it. */
  if
  :: TAKING[dead] == 0
  :: TAKING[dead] == UNCLAIMED -> TAKING[dead] = 0; RESCAN = 1
  :: TAKING[dead] != 0 && TAKING[dead] != UNCLAIMED ->
    d_step { cell[TAKING[dead] - 1] = 2 * (cell[TAKING[dead] - 1] / 2) + 2; TAKING[dead] = 0 };
    RESCAN = 1
  fi;
  if
  :: dead == IO -> RESCAN = 1
  :: dead != IO
  fi;
#ifdef BROKEN_WAKE_NOBODY
  /* Nobody is woken. */
  PARKED = PARKED & ~(1 << dead);
#else
  PARKED = PARKED & ~(1 << dead);                       /* removeThread, wakeAll */
  d_step { PARKED = PARKED & ~1; doorbell[0] = 1 };
  d_step { PARKED = PARKED & ~2; doorbell[1] = 1 };
  d_step { PARKED = PARKED & ~4; doorbell[2] = 1 };
#endif
  d_step { alive[dead] = 1 };
  dead = 0;
  goto endPlane
}
#endif

/* Never set; a name for pan to print. */
hidden byte eventsTaken;
#define NONE_LEFT (pending == 0 && LENGTH == 0 && lost == 0)
#define ALL_STUCK (!RUNNING(1) && !RUNNING(2))

init {
  byte supplied;
#ifdef ALONE
  d_step { alive[0] = 1; alive[1] = 1 };
#else
  d_step { alive[0] = 1; alive[1] = 1; alive[2] = 1 };
#endif
  atomic {
    run IoThread(IO);
    run Worker(1);
#ifndef ALONE
    run Worker(2);
#endif
#ifdef DEATH
    run Plane();
    run Reaper()
#endif
  };
  do
  :: supplied < SUPPLY -> d_step { pending++; supplied++ }
  :: break
  od;
  /* No thread can take a step. */
  timeout ->
  assert(NONE_LEFT || ALL_STUCK || eventsTaken)
}
