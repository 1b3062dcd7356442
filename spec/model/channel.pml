/*
 * The channel of a connection in the simulated Proactor, with the board of operations, for spin: an I/O thread, a worker, and a client whose
 * bytes are echoed, explored exhaustively.
 *
 *   in the model               in the code
 *   post, takeBoard            lib/proactor/operation-board.ts, OperationBoard: post, take; beginSleep is inside of ioThread
 *   receive, send, doClose     lib/proactor/operation-processor.ts, OperationProcessor: #receive, #send with #transmit and #follow, #close
 *   ready, perform             the same, ready and perform
 *   worker                     lib/proactor/channel-transport.ts, ChannelTransport, as lib/connection/connection.ts and lib/http call it
 *   report                     lib/strategies/io-thread.ts, IoThread: report; request-queue.pml has the queue
 *   Plane                      recover of lib/control/recovery.ts, with lib/proactor/orphans.ts
 *   Reaper                     the death of threads
 *   Supply, Reader             the client: it sends SUPPLY bytes or fewer, may end its side, and reads what comes
 *
 * Who writes what, and when:
 *
 *   by the I/O thread    INPUT_PUT, OUTPUT_TAKEN, STATUS, IO_AT, IO_SLEEPS; until DETACHED is set, and once the handle is passed to it
 *   by the worker        INPUT_TAKEN, OUTPUT_PUT, ASKED, ROOM_AWAITED; while it is inside, or the handle is bound to it
 *   by both              BITS and TOP: set by the worker, cleared by the I/O thread. IO_SLEEPS is cleared by the worker that wakes it
 *   by recovery          the words of the dead thread, before it is replaced
 *   cleared as a whole   by the I/O thread, before it closes the descriptor
 *
 * Each Atomics operation is one step, and so is each system call; the bytes of a ring are copied in steps of their own. `d_step` makes a
 * read-modify-write, or ties ghost words and locals to the step that they belong to. Positions do not wrap. The kernel's
 * buffer of what is sent has one byte.
 *
 * Configurations, by -D:
 *   (none)        the worker closes the connection at the end of input, once its output is in the channel
 *   DETACH        when it has taken a byte, the worker asks for the socket, and then uses it itself
 *   TIMEOUTS=n    so many times at most, the timeouts enter an idle connection, in the worker, and leave it as it is
 *   DEATH=set     a thread of the set (as bits; 1 is the I/O thread, 2 the worker) dies between any two steps, and is replaced
 *   DEATHS=n      how many deaths, 1 or 2
 *   SUPPLY=n      bytes that the client sends at most
 *   ECHO=n        bytes that the worker puts for each that it takes, 0 to 3
 *   RING=n        bytes of each ring, 1 or 2. The worker hears of room when one byte is free
 *   PROMISE       the claim `served` instead of the claims at rest
 * Broken variants, by -DBROKEN_…, must fail; each is explained where it changes the protocol.
 *
 * Claims:
 *   in order       the worker takes, and the client gets, each byte once and in order.
 *   owned          the worker uses the channel only while the handle is its own; the I/O thread closes only what is passed to it, and uses no
 *                  socket that it has left to the worker.
 *   input served   whenever no thread can take a step, every byte that the client has sent is taken, all that was taken is echoed and has
 *                  come, and the connection is closed if the client has ended its side, or a death has broken it. A lost wake-up, and a thread
 *                  that sleeps beside something to do, are states of rest that violate it.
 *   served         that rest is reached on every schedule: no thread spins for ever.
 *
 * Left out: generations and the next connection with the number; SHUTS, RESETS and AT_ONCE, which change what closing does and not when; files, as
 * they are put as other output; the sleep while the request queue is full (PARKS), whose look at the board is the same; two levels of the
 * board's three; other connections.
 */

#define IO 0
#define WORKER 1
#define NOBODY 2
#ifndef RING
#define RING 2
#endif
#define HALF (RING / 2)
#ifndef SUPPLY
#define SUPPLY 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef ECHO
#define ECHO 1
#endif

/* ---- shared words (lib/memory/channel-words.ts) ---- */

byte INPUT_PUT;
byte OUTPUT_TAKEN;
byte STATUS;
byte INPUT_TAKEN;
byte OUTPUT_PUT;
byte ASKED;
byte ROOM_AWAITED;
byte input[RING];
byte output[RING];
bit BITS;
bit TOP;
bit IO_SLEEPS;
bit IO_AT;
bit wakeUp;                /* the wake-up handle */
bit RESCAN;

/* Bits of STATUS. */
#define ENDING 1
#define ENDED 2
#define FAILED 4           /* INPUT_FAILED and OUTPUT_FAILED */
#define INPUT_WAITS 8
#define WATCHED 16
#define KNOWN 32
#define END_UNSEEN 64
#define DETACHED 128
/* Bits of ASKED. */
#define CLOSES 1
#define DETACHES 2

/* ---- the handle's record, and its entry in the request queue ---- */

byte STATE;
#define IDLE 0
#define INSIDE 1           /* or bound */
#define FREE 2
byte OWNER = NOBODY;
byte noted;
byte queued;
#define READABLE 1
#define WRITABLE 2
#define ENDS 4             /* PEER_ENDED */

/* ---- the kernel ---- */

byte events;               /* what it has to report of the socket */
byte unread;               /* bytes in the socket */
byte received;             /* bytes taken from it */
byte sending;              /* 0, or the byte on its way to the client */
bit clientEnded;
bit isOpen = 1;
bit outputToo;             /* the interest in the socket includes that it becomes writable */

/* ---- ghost: for the claims ---- */

bit alive[2];
byte supplied;
byte got;                  /* bytes that have come at the client */
byte taken;                /* bytes that the worker has taken, from the channel or the socket */
byte put;                  /* bytes that the worker has put into the channel or the socket */
bit cut;                   /* a death has cost the connection bytes, or its worker */
bit detached;              /* the worker uses the socket */
bit inCall;                /* the I/O thread has moved bytes that no position counts */

/* Never set; names for pan to print. */
hidden byte inOrder, owned, inputServed;

#ifdef DEATH
chan die = [0] of { byte };
bit exitPending[2];
#endif

/* ---- the board ---- */

inline wakeIo() {
  if
  :: d_step { IO_SLEEPS -> IO_SLEEPS = 0 }; wakeUp = 1
  :: !IO_SLEEPS
  fi
}

inline post() {
#ifdef BROKEN_WAKE_FIRST
  /* It looks whether the I/O thread sleeps before the bits are set. */
  wakeIo();
#endif
#ifdef BROKEN_TOP_FIRST
  /* Bits are set from the top down. */
  TOP = 1;
  BITS = 1;
#else
  BITS = 1;
  TOP = 1;
#endif
#if !defined(BROKEN_WAKE_FIRST) && !defined(BROKEN_NO_WAKE)
  /* BROKEN_NO_WAKE: it wakes nobody. */
  wakeIo()
#else
  skip
#endif
}

/* The board is empty of the connection, or `posted`. */
inline takeBoard() {
#ifdef BROKEN_BITS_FIRST
  /* Bits are cleared from the bottom up. */
  d_step { posted = BITS; BITS = 0 };
  TOP = 0;
#else
  TOP = 0;
  d_step { posted = BITS; BITS = 0 };
#endif
}

/* ---- the I/O thread ---- */

#define MAY_CLOSE (CLOSE_IS_ASKED && OWNER == IO)
#define CLOSE_IS_ASKED (ASKED & CLOSES)

inline report() {
  if
  :: d_step { completed != 0 && STATE == IDLE -> queued = queued | completed; completed = 0 }
  :: d_step { completed != 0 && STATE == INSIDE -> noted = noted | completed; completed = 0 }
  :: d_step { completed == 0 || STATE == FREE -> completed = 0 }
  fi
}

/* OperationProcessor.#receive */
inline receive() {
  do
  :: STATUS & (ENDED | FAILED | DETACHED) -> break
  :: else ->
    room = RING - (INPUT_PUT - INPUT_TAKEN);
    if
    :: room == 0 ->
#ifdef BROKEN_ROOM_FIRST
      /* It says that it waits for room after it has looked for room, and does not look again. */
      STATUS = STATUS | INPUT_WAITS;
      break
#else
      STATUS = STATUS | INPUT_WAITS;
      if
      :: INPUT_PUT - INPUT_TAKEN == RING -> break
      :: INPUT_PUT - INPUT_TAKEN < RING -> STATUS = STATUS & ~INPUT_WAITS
      fi
#endif
    :: room > 0 ->
#if defined(DEATH) && !defined(BROKEN_NO_IO_AT)
      /* BROKEN_NO_IO_AT: the connection in whose call it dies is not recorded. */
      IO_AT = 1;
#endif
#ifdef BROKEN_COUNTED_FIRST
      /* The position counts bytes that are not there yet. */
      d_step { count = (unread < room -> unread : room); INPUT_PUT = INPUT_PUT + count };
#endif
      d_step {
        assert(!detached /* owned */ || owned);
#ifdef BROKEN_COUNTED_FIRST
        INPUT_PUT = INPUT_PUT - count;
#else
        count = (unread < room -> unread : room);
#endif
        ends = (count == 0 && unread == 0 && clientEnded);
        if
        :: count > 0 -> input[INPUT_PUT % RING] = received + 1; inCall = 1
        :: else
        fi;
        if
        :: count > 1 -> input[(INPUT_PUT + 1) % RING] = received + 2
        :: else
        fi;
        received = received + count;
        unread = unread - count
#ifdef BROKEN_COUNTED_FIRST
        ; INPUT_PUT = INPUT_PUT + count; inCall = 0
#endif
      };
#ifndef BROKEN_COUNTED_FIRST
      d_step { INPUT_PUT = INPUT_PUT + count; inCall = 0 };
#endif
#ifdef DEATH
      IO_AT = 0;
#endif
      if
      :: count == 0 ->
        if
        :: ends -> STATUS = (STATUS | ENDED) & ~END_UNSEEN
        :: !ends -> STATUS = STATUS & ~END_UNSEEN
        fi;
        break
      /* A short receive: only the end may still be unseen. */
      :: count > 0 && count < room && !(STATUS & (ENDING | END_UNSEEN)) -> break
      :: count == room || (count > 0 && (STATUS & (ENDING | END_UNSEEN)) != 0)
      fi
    fi
  od;
  atomic { room = 0; count = 0; ends = 0 }
}

/* OperationProcessor.#close */
inline doClose() {
  assert(OWNER == IO /* owned */ || owned);
  d_step { INPUT_PUT = 0; OUTPUT_TAKEN = 0; STATUS = 0; INPUT_TAKEN = 0; OUTPUT_PUT = 0; ASKED = 0; ROOM_AWAITED = 0 };
  STATE = FREE;
  d_step { isOpen = 0; OWNER = NOBODY; events = 0 }
}

/* OperationProcessor.#send: the output, and what was asked for behind it. */
inline send() {
#ifdef BROKEN_ASKED_LATE
  /* What was asked for is read when the output has been looked at. */
  skip;
#else
  asked = ASKED;
#endif
#ifdef BROKEN_PASS_IGNORED
  /* It closes what its worker has not passed yet. */
  closes = asked & CLOSES;
#elif !defined(BROKEN_ASKED_LATE)
  closes = (asked & CLOSES) && OWNER == IO;
#endif
  do
  :: (STATUS & (FAILED | DETACHED)) || OUTPUT_PUT == OUTPUT_TAKEN -> sent = 1; break
  :: !(STATUS & (FAILED | DETACHED)) && OUTPUT_PUT != OUTPUT_TAKEN ->
#if defined(DEATH) && !defined(BROKEN_NO_IO_AT)
    IO_AT = 1;
#endif
#ifdef BROKEN_FREED_FIRST
    /* The position frees bytes that are not sent yet. */
    if
    :: d_step { sending == 0 -> OUTPUT_TAKEN++; count = 1 };
      d_step { assert(!detached /* owned */ || owned); sending = output[(OUTPUT_TAKEN - 1) % RING] }
#else
    if
    :: d_step { sending == 0 -> assert(!detached /* owned */ || owned); sending = output[OUTPUT_TAKEN % RING]; count = 1; inCall = 1 };
      d_step { OUTPUT_TAKEN++; inCall = 0 }
#endif
    :: sending != 0 -> count = 0
    fi;
    if
    :: d_step { count != 0 && ROOM_AWAITED == OUTPUT_TAKEN -> completed = completed | WRITABLE; count = 0 }
    :: d_step { count != 0 && ROOM_AWAITED != OUTPUT_TAKEN -> count = 0 }
    :: count == 0 ->
#ifdef DEATH
      IO_AT = 0;
#endif
      /* #watchOutput; epoll_ctl reports what is so already. */
      if
      :: STATUS & WATCHED
      :: !(STATUS & WATCHED) ->
        STATUS = STATUS | WATCHED;
#ifdef BROKEN_WATCH_BLIND
        /* Only a change is reported from then on. */
        outputToo = 1
#else
        d_step { outputToo = 1; events = events | (sending == 0 -> WRITABLE : 0) }
#endif
      fi;
      sent = 0;
      break
    fi
#ifdef DEATH
    ;
    IO_AT = 0
#endif
  od;
#ifdef BROKEN_ASKED_LATE
  asked = ASKED;
  closes = (asked & CLOSES) && OWNER == IO;
#endif
  if
  :: closes && sent -> doClose(); completed = 0
  :: closes && !sent -> completed = 0
#ifdef BROKEN_DETACHED_EARLY
  /* It leaves the socket before all is sent. */
  :: !closes && (asked & DETACHES) && !(STATUS & DETACHED) ->
#else
  :: !closes && sent && (asked & DETACHES) && !(STATUS & DETACHED) ->
#endif
    STATUS = STATUS | DETACHED;
    completed = completed | WRITABLE
  :: else
  fi;
  atomic { asked = 0; sent = 0; closes = 0 }
}

#define HAS_INPUT ((STATUS & (ENDED | FAILED)) || INPUT_PUT != INPUT_TAKEN)

inline inputEvents() {
#ifdef BROKEN_END_ONCE
  /* The end is reported with the event that the kernel has reported, and not again. */
  completed = completed | READABLE;
#else
  completed = completed | (STATUS & (ENDING | ENDED) -> READABLE | ENDS : READABLE);
#endif
}

/* OperationProcessor.ready */
inline ready() {
  if
  :: MAY_CLOSE -> send()
  :: !MAY_CLOSE ->
#ifdef DEATH
    if
    :: STATUS & KNOWN
    :: !(STATUS & KNOWN) -> STATUS = STATUS | KNOWN; first = 1
    fi;
#endif
    if
    :: reported & ENDS -> STATUS = STATUS | ENDING
    :: !(reported & ENDS)
    fi;
    completed = reported & (READABLE | ENDS);
    if
    :: completed != 0 -> receive(); inputEvents()
    :: completed == 0 ->
#ifdef BROKEN_NOTED_LOST
      /* It reports input only where the kernel has some. */
      skip
#else
      if
      :: HAS_INPUT -> inputEvents()
      :: !HAS_INPUT
      fi
#endif
    fi;
    if
    :: reported & WRITABLE ->
      send();
      if
      :: first && STATE != FREE -> completed = completed | WRITABLE
      :: else
      fi
    :: !(reported & WRITABLE)
    fi;
    first = 0
  fi
}

/* OperationProcessor.perform */
inline perform() {
  if
  :: STATE == FREE
  :: STATE != FREE ->
    if
    :: (STATUS & INPUT_WAITS) && INPUT_PUT - INPUT_TAKEN < RING ->
      STATUS = STATUS & ~INPUT_WAITS;
      receive();
      inputEvents()
    :: else
    fi;
    send()
  fi
}

inline ioThread() {
  true;
step:
  if
  :: TOP ->
    takeBoard();
    if
    :: d_step { posted -> posted = 0 }; perform(); report()
    :: !posted
    fi;
    goto step
  :: !TOP
  fi;
  if
  :: d_step { RESCAN -> RESCAN = 0; reported = READABLE | WRITABLE };
    if
    :: STATE != FREE -> ready(); report()
    :: STATE == FREE
    fi;
    reported = 0;
    goto step
  :: d_step { !RESCAN && events != 0 -> reported = events; events = 0 };
    ready();
    report();
    reported = 0;
    goto step
  :: !RESCAN && events == 0
  fi;
#ifdef BROKEN_SLEEP_LATE
  /* It looks at the board before it says that it sleeps, and not after. */
  IO_SLEEPS = 1;
#else
  IO_SLEEPS = 1;
  if
  :: TOP -> IO_SLEEPS = 0; goto step
  :: !TOP
  fi;
#endif
endInKernel:
  if
  :: events != 0
  :: d_step { wakeUp -> wakeUp = 0 }
  fi;
  IO_SLEEPS = 0;
  goto step
}

/* ---- the worker ---- */

/* Takes all that is in the ring. */
inline take() {
  count = INPUT_PUT - INPUT_TAKEN;
#ifdef BROKEN_TAKEN_FIRST
  /* The position frees the bytes before they are read. */
  INPUT_TAKEN = INPUT_TAKEN + count;
  copied = count;
  do
  :: copied > 0 -> d_step { assert(input[(INPUT_TAKEN - copied) % RING] == taken + 1 /* inOrder */ || inOrder); taken++; copied-- }
  :: copied == 0 -> break
  od
#else
  do
  :: copied < count -> d_step { assert(input[(INPUT_TAKEN + copied) % RING] == taken + 1 /* inOrder */ || inOrder); taken++; copied++ }
  :: copied == count -> break
  od;
  INPUT_TAKEN = INPUT_TAKEN + count;
  copied = 0
#endif
}

/* ChannelTransport.passesClose */
inline pass() {
#ifdef BROKEN_PASSED_FIRST
  /* It passes the handle before it asks for the close: if it dies in between, nobody closes it. */
  d_step { OWNER = IO; noted = 0 };
  ASKED = ASKED | CLOSES;
#else
  ASKED = ASKED | CLOSES;
  d_step { assert(OWNER == me /* owned */ || owned); OWNER = IO; noted = 0 };
#endif
  post()
}

inline worker() {
  true;
endIdle:
  if
  :: d_step { queued != 0 -> news = queued; queued = 0 };
    if
    :: d_step { STATE == IDLE -> STATE = INSIDE; OWNER = me }
    :: d_step { STATE == INSIDE -> noted = noted | news; news = 0 }; goto endIdle
    :: d_step { STATE == FREE -> news = 0 }; goto endIdle
    fi
#ifdef TIMEOUTS
  :: d_step { STATE == IDLE && timeouts < TIMEOUTS -> timeouts++; STATE = INSIDE; OWNER = me }; goto drop
#endif
  fi;
process:
  true;
  d_step {
    blocks = blocks && !(news & (READABLE | ENDS));
    knowsEnd = knowsEnd || (news & ENDS) != 0;
    news = 0
  };
work:
#ifdef DEATH
  if
  :: STATUS & FAILED -> owed = 0; goto close
  :: !(STATUS & FAILED)
  fi;
#endif
  true;
  /* ChannelTransport.#put, for what was taken and is not echoed. */
  do
  :: owed > 0 && OUTPUT_PUT - OUTPUT_TAKEN < RING ->
#ifdef BROKEN_PUT_FIRST
    /* The position counts a byte before it is there. */
    OUTPUT_PUT++;
    d_step { output[(OUTPUT_PUT - 1) % RING] = put + 1; put++; owed--; unposted = 1 }
#else
    d_step { output[OUTPUT_PUT % RING] = put + 1; put++; owed-- };
    d_step { OUTPUT_PUT++; unposted = 1 }
#endif
  :: owed > 0 && OUTPUT_PUT - OUTPUT_TAKEN == RING ->
    ROOM_AWAITED = OUTPUT_PUT - HALF;
#ifdef BROKEN_AWAITED_BLIND
    /* It does not look for room again. */
    unposted = 0; post(); goto endBound
#else
    if
    :: OUTPUT_TAKEN >= OUTPUT_PUT - HALF
    :: OUTPUT_TAKEN < OUTPUT_PUT - HALF -> unposted = 0; post(); goto endBound
    fi
#endif
  :: owed == 0 -> break
  od;
  if
  :: d_step { unposted -> unposted = 0 }; post()
  :: !unposted
  fi;
  if
  :: atEnd -> goto close
#ifdef DETACH
  :: !atEnd && taken > 0 ->
    if
    :: STATUS & DETACHED -> goto own
    :: !(STATUS & DETACHED) -> ASKED = ASKED | DETACHES; post(); goto endBound
    fi
#endif
  :: else
  fi;
  if
  :: blocks -> goto leave
  :: !blocks
  fi;
  /* ChannelTransport.receive. In this order: the bits are set behind the last byte. */
#ifdef BROKEN_END_LATE
  take();
  ended = (STATUS & ENDED) != 0;
#else
  ended = (STATUS & ENDED) != 0;
  take();
#endif
  if
  :: count > 0 ->
#ifndef BROKEN_SILENT_ROOM
    /* BROKEN_SILENT_ROOM: it makes room, and does not look whether the I/O thread waits for it. */
    if
    :: STATUS & INPUT_WAITS -> post()
    :: !(STATUS & INPUT_WAITS)
    fi;
#endif
    /* A short receive. */
    d_step { owed = owed + ECHO * count; count = 0; blocks = !knowsEnd; ended = 0 }
  :: d_step { count == 0 && ended -> atEnd = 1; ended = 0 }
  :: d_step { count == 0 && !ended -> blocks = 1 }
  fi;
  goto work;
leave:
  if
  :: d_step { noted == 0 -> STATE = IDLE; OWNER = NOBODY; knowsEnd = 0; blocks = 0 }; goto endIdle
  :: d_step { noted != 0 -> news = noted; noted = 0 }; goto process
  fi;
endBound:
  noted != 0;
  d_step { noted != 0 -> news = noted; noted = 0 };
  goto process;
#ifdef TIMEOUTS
drop:
  /* Timeouts.#leave: what was noted is dropped, and the kernel reports the socket again. */
  if
  :: d_step { noted == 0 -> STATE = IDLE; OWNER = NOBODY }; goto endIdle
  :: d_step { noted != 0 -> noted = 0 };
    d_step { outputToo = 1; events = events | (unread > 0 -> READABLE : 0) | (clientEnded -> READABLE | ENDS : 0) | (sending == 0 -> WRITABLE : 0) };
    goto drop
  fi;
#endif
#ifdef DETACH
own:
  detached = 1;
  /* ChannelTransport.unread */
  take();
  d_step { owed = owed + ECHO * count; count = 0 };
endOwn:
  if
  :: owed > 0 ->
endOwnSending:
    if
    :: d_step { sending == 0 -> sending = put + 1; put++; owed-- }
    fi;
    goto endOwn
  :: owed == 0 && unread > 0 -> d_step { assert(received == taken /* inOrder */ || inOrder); received++; unread--; taken++; owed = owed + ECHO }; goto endOwn
  :: owed == 0 && unread == 0 && clientEnded
  fi;
#endif
close:
  true;
  d_step { atEnd = 0; blocks = 0; knowsEnd = 0; ended = 0; count = 0 };
  pass();
  goto endIdle
}

/* ---- deaths ---- */

#ifdef DEATH
#define MORTAL(thread, LOCALS) do :: { thread() } unless { atomic { die?eval(me); d_step { exitPending[me] = 1; alive[me] = 0; LOCALS } } }; endDead: alive[me] /* the replacement has begun */ od
#else
#define MORTAL(thread, LOCALS) thread()
#endif

#define IO_LOCALS reported = 0; completed = 0; asked = 0; count = 0; room = 0; sent = 0; closes = 0; first = 0; posted = 0; ends = 0
#define WORKER_LOCALS news = 0; owed = 0; count = 0; copied = 0; blocks = 0; knowsEnd = 0; ended = 0; atEnd = 0; unposted = 0

proctype IoThread(byte me) {
  byte reported, completed, asked, count, room;
  bit sent, closes, first, posted, ends;
  MORTAL(ioThread, IO_LOCALS)
}

proctype Worker(byte me) {
  byte news, count, copied, timeouts;
  bit blocks, knowsEnd, ended, atEnd, unposted;
  byte owed;
  MORTAL(worker, WORKER_LOCALS)
}

#ifdef DEATH
proctype Reaper() {
  byte deaths;
  do
#if DEATH & 1
  :: deaths < DEATHS -> die!IO; deaths++
#endif
#if DEATH & 2
  :: deaths < DEATHS -> die!WORKER; deaths++
#endif
  :: break                                              /* no further death */
  od
}

/* The main thread: it recovers what one dead thread held, and starts its replacement. */
proctype Plane() {
  byte dead;
endPlane:
  if
  :: exitPending[IO] -> dead = IO
  :: exitPending[WORKER] -> dead = WORKER
  fi;
  exitPending[dead] = 0;
  /* leaveToIoThread; of the I/O thread's own, those that it was asked to close are left to the replacement. */
  if
  :: dead == WORKER && STATE == INSIDE && OWNER == WORKER ->
    d_step { cut = 1; ASKED = ASKED | CLOSES };
    d_step { OWNER = IO; noted = 0; detached = 0 }
  :: dead == IO && STATE == INSIDE && OWNER == IO && !CLOSE_IS_ASKED -> doClose()
  /* It was closing it: completeClose, with strays.ts. */
  :: d_step { dead == IO && STATE == FREE && isOpen -> isOpen = 0; OWNER = NOBODY; events = 0 }
  :: else
  fi;
  /* recoverChannels */
  if
  :: dead == IO ->
    if
    :: STATE != FREE ->
      STATUS = STATUS & ~KNOWN;
#ifndef BROKEN_UNSEEN_END
      /* BROKEN_UNSEEN_END: the replacement takes a short receive for all, though the end may have been reported to the dead thread. */
      STATUS = STATUS | END_UNSEEN;
#endif
      if
      :: IO_AT -> IO_AT = 0; d_step { STATUS = STATUS | FAILED; cut = 1; inCall = 0 }
      :: !IO_AT
      fi
    :: STATE == FREE -> IO_AT = 0
    fi
  :: dead != IO
  fi;
#ifndef BROKEN_NO_RESCAN
  /* BROKEN_NO_RESCAN: what it was about to put on the board, or had taken, is not looked for. */
  RESCAN = 1;
#endif
#ifndef BROKEN_SILENT_RECOVERY
  /* BROKEN_SILENT_RECOVERY: the I/O thread is not woken. */
  wakeUp = 1;
#endif
  atomic { alive[dead] = 1; dead = 0 };
  goto endPlane
}
#endif

/* ---- the client ---- */

proctype Supply() {
  do
  :: d_step { supplied < SUPPLY && isOpen -> supplied++; unread++; events = (detached -> 0 : events | READABLE) }
  :: d_step { isOpen -> clientEnded = 1; events = (detached -> 0 : events | READABLE | ENDS) }; break
  :: break
  od
}

proctype Reader() {
endReader:
  do
  :: d_step {
      sending != 0 ->
      assert(sending == got + 1 /* inOrder */ || inOrder);
      got++;
      sending = 0;
      events = events | (isOpen && !detached && outputToo -> WRITABLE : 0)
    }
  od
}

/* No thread can take a step. */
#define ALL_SERVED (isOpen -> (!cut && !clientEnded && taken == supplied && got == ECHO * supplied) : (cut || (clientEnded && taken == supplied && got == ECHO * supplied)))

init {
  d_step { alive[IO] = 1; alive[WORKER] = 1 };
  atomic {
    run IoThread(IO);
    run Worker(WORKER);
    run Supply();
    run Reader()
#ifdef DEATH
    ;
    run Plane();
    run Reaper()
#endif
  };
  timeout ->
  assert(ALL_SERVED || inputServed)
}
