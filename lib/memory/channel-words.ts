/**
 * The layout of the channels: bytes between the I/O thread and the workers, in the model in which these are different threads
 * (proactor/channels.ts). Comments of words are as in layout.ts.
 *
 * The channel of a connection has the number of its descriptor, so there is none to be allocated. Memory is resident where it was used.
 * "The I/O thread" is thread 0, or its replacement; "the worker" is the thread that is inside the connection, or that it is bound to. All
 * words of a channel are 0 while its connection has done nothing; recovery writes those of a dead thread.
 */

/** Words of a cache line (64 bytes). */
const LINE = 16;

/** Channels at most: as many as three levels of 32 bits name. */
export const MAX_CHANNELS = 32 * 32 * 32;

/**
 * The board of operations (owner: proactor/operation-board.ts): a bit for each word of the next level that may not be 0. Atomic. A bit is
 * set by the worker, and cleared by the I/O thread, which then looks at what it stands for. Read by the I/O thread.
 */
export const BOARD_TOP = 0;
/**
 * 0, or how the I/O thread sleeps in the kernel, or is about to. Atomic. Written by the I/O thread, and cleared by the worker that wakes it.
 */
export const IO_SLEEPS = LINE;
/**
 * 0, or 1 + the connection of whose socket a call is under way (owner: proactor/operation-processor.ts). Plain. Written by the I/O thread
 * around each call. Read by recovery once it is dead: bytes may have been moved that no position counts.
 */
export const IO_AT = 2 * LINE;
/** As BOARD_TOP, a level below: a bit for each word of BOARD_BITS. */
export const BOARD_MIDDLE = 3 * LINE;
/** As BOARD_TOP, the lowest level: a bit for each channel with an operation to be done. */
export const BOARD_BITS = BOARD_MIDDLE + 32;

const CHANNELS = BOARD_BITS + MAX_CHANNELS / 32;
/** Words of a channel: a cache line that the I/O thread writes, and one that the worker writes. */
const CHANNEL_WORDS = 2 * LINE;
/** The first word of a channel. */
export const channelArea = (fd: number): number => CHANNELS + fd * CHANNEL_WORDS;

// ---- the words of a channel (owner: proactor/channels.ts) -----------------------------------------------------------------

/** Bytes received so far; wraps. Atomic. Written by the I/O thread. Read by the worker. */
export const INPUT_PUT = 0;
/** Bytes sent so far; wraps. Atomic. Written by the I/O thread. Read by the worker. */
export const OUTPUT_TAKEN = 1;
/** Bits of proactor/channels.ts: what has come of the socket. Atomic. Written by the I/O thread. Read by both. */
export const CHANNEL_STATUS = 2;
/** The errno with which receiving failed. Plain. Written by the I/O thread before the bit in CHANNEL_STATUS. Read by the worker. */
export const CHANNEL_ERRNO = 3;
/** Bytes of the input that are processed; wraps. Atomic. Written by the worker. Read by the I/O thread. */
export const INPUT_TAKEN = LINE;
/** Bytes to be sent so far; wraps. Atomic. Written by the worker. Read by the I/O thread. */
export const OUTPUT_PUT = LINE + 1;
/** Bits of proactor/channels.ts: what is to be done to the socket. Atomic. Written by the worker. Read by both. */
export const CHANNEL_ASKED = LINE + 2;
/** The value of OUTPUT_TAKEN at which the worker wants to hear of room. Atomic. Written by the worker. Read by the I/O thread. */
export const ROOM_AWAITED = LINE + 3;

/** Bytes of a channel's input ring, a power of two: most requests with their body, and four pages. */
export const INPUT_RING_BYTES = 16 * 1024;
/** Bytes of a channel's output ring, a power of two: most responses. */
export const OUTPUT_RING_BYTES = 32 * 1024;

/** Where the rings of a channel begin in a buffer with `channels` channels, in bytes: first the input's, then the output's. */
export const ringsAt = (channels: number, fd: number): number =>
  channelArea(channels) * 4 + fd * (INPUT_RING_BYTES + OUTPUT_RING_BYTES);

/** Bytes of a buffer with so many channels. */
export const channelsBytes = (channels: number): number => (channels === 0 ? 0 : ringsAt(channels, channels));
