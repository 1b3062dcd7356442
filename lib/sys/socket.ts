/**
 * Sockets for IPv4, IPv6 and Unix paths. Everything is non-blocking and close-on-exec.
 * Transfers return the bytes moved or the errno negated.
 */
import { endianness } from 'node:os';
import { PacelineError } from '../errors.js';
import { closeDescriptor, keepToProcess } from './descriptor.js';
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ENOENT,
  ENOTDIR,
  func,
  must,
  orErrno,
  systemError,
} from './libc.js';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_LINGER = 13;
const SO_REUSEPORT = 15;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_DEFER_ACCEPT = 9;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const MSG_DONTWAIT = 0x40;
const SHUT_WR = 1;
const SHUT_RDWR = 2;
/** Bytes of a Unix socket's path at most, with its final NUL (unix(7)). */
const UNIX_PATH_BYTES = 108;

const socketCall = func<(family: number, type: number, protocol: number) => number>(
  'int socket(int family, int type, int protocol)',
);
const bindCall = func<(fd: number, address: Uint8Array, bytes: number) => number>(
  'int bind(int fd, void *address, unsigned int bytes)',
);
const listenCall = func<(fd: number, backlog: number) => number>('int listen(int fd, int backlog)');
const acceptCall = func<(fd: number, address: null, bytes: null, flags: number) => number>(
  'int accept4(int fd, void *address, void *bytes, int flags)',
);
const setsockoptCall = func<
  (fd: number, level: number, name: number, value: Int32Array, bytes: number) => number
>('int setsockopt(int fd, int level, int name, void *value, unsigned int bytes)');
const getsockoptCall = func<
  (fd: number, level: number, name: number, value: Int32Array, bytes: Uint32Array) => number
>('int getsockopt(int fd, int level, int name, void *value, void *bytes)');
const getsocknameCall = func<(fd: number, address: Uint8Array, bytes: Uint32Array) => number>(
  'int getsockname(int fd, void *address, void *bytes)',
);
const getpeernameCall = func<(fd: number, address: Uint8Array, bytes: Uint32Array) => number>(
  'int getpeername(int fd, void *address, void *bytes)',
);
const recvCall = func<(fd: number, address: number, bytes: number, flags: number) => number>(
  'intptr_t recv(int fd, uintptr_t buffer, size_t bytes, int flags)',
);
const sendCall = func<(fd: number, buffer: Uint8Array, bytes: number, flags: number) => number>(
  'intptr_t send(int fd, void *buffer, size_t bytes, int flags)',
);
const sendFromCall = func<(fd: number, address: number, bytes: number, flags: number) => number>(
  'intptr_t send(int fd, uintptr_t buffer, size_t bytes, int flags)',
);
const dup3Call = func<(from: number, to: number, flags: number) => number>(
  'int dup3(int from, int to, int flags)',
);
const shutdownCall = func<(fd: number, how: number) => number>('int shutdown(int fd, int how)');

/** Where a socket is bound or connected. */
export interface SocketAddress {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6' | 'Unix';
  /** 0 for a Unix socket. */
  readonly port: number;
}

function encodeAddress({ address, family, port }: SocketAddress): Uint8Array {
  if (family === 'Unix') {
    const path = Buffer.from(address);
    if (path.length === 0 || path.length >= UNIX_PATH_BYTES || path.includes(0)) {
      throw new PacelineError(
        'PACELINE_ADDRESS',
        `a Unix socket's path has 1 to ${UNIX_PATH_BYTES - 1} bytes and no NUL, and ${JSON.stringify(address)} has ${path.length}`,
      );
    }
    const bytes = Buffer.alloc(2 + path.length + 1);
    writeFamily(bytes, AF_UNIX);
    path.copy(bytes, 2);
    return bytes;
  }
  const bytes = Buffer.alloc(family === 'IPv4' ? 16 : 28);
  writeFamily(bytes, family === 'IPv4' ? AF_INET : AF_INET6);
  bytes.writeUInt16BE(port, 2);
  if (family === 'IPv4') {
    for (const [index, part] of address.split('.').entries()) bytes.writeUInt8(Number(part), 4 + index);
  } else {
    encodeIPv6(address).copy(bytes, 8);
  }
  return bytes;
}

function writeFamily(bytes: Buffer, family: number): void {
  if (endianness() === 'LE') bytes.writeUInt16LE(family, 0);
  else bytes.writeUInt16BE(family, 0);
}

/** The 16 bytes of an IPv6 address that node:net's isIPv6 accepts, a zone left out. */
function encodeIPv6(text: string): Buffer {
  // The URL parser brings every spelling (embedded IPv4 included) into groups of hexadecimal digits.
  const canonical = new URL(`http://[${text.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

function readFamily(bytes: Buffer): number {
  return endianness() === 'LE' ? bytes.readUInt16LE(0) : bytes.readUInt16BE(0);
}

function decodeAddress(bytes: Buffer, length: number): SocketAddress {
  const family = readFamily(bytes);
  if (family === AF_INET) {
    return {
      address: Array.from(bytes.subarray(4, 8)).join('.'),
      family: 'IPv4',
      port: bytes.readUInt16BE(2),
    };
  }
  if (family === AF_INET6) {
    const mapped =
      bytes.readUInt32BE(8) === 0 && bytes.readUInt32BE(12) === 0 && bytes.readUInt32BE(16) === 0xffff;
    const port = bytes.readUInt16BE(2);
    if (mapped)
      return { address: `::ffff:${Array.from(bytes.subarray(20, 24)).join('.')}`, family: 'IPv6', port };
    const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(8 + index * 2).toString(16));
    return { address: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), family: 'IPv6', port };
  }
  const end = bytes.indexOf(0, 2);
  return {
    address: bytes.toString('utf8', 2, end < 2 || end > length ? length : end),
    family: 'Unix',
    port: 0,
  };
}

/** struct linger: whether, and seconds. */
const lingerOption = new Int32Array(2);
const addressBytes = Buffer.alloc(128);
const addressLength = new Uint32Array(1);

function readAddress(call: typeof getsocknameCall, fd: number): SocketAddress | undefined {
  addressBytes.fill(0);
  addressLength[0] = addressBytes.length;
  return call(fd, addressBytes, addressLength) < 0
    ? undefined
    : decodeAddress(addressBytes, addressLength[0]!);
}

/** The address that a socket is bound to. */
export const localAddress = (fd: number): SocketAddress | undefined => readAddress(getsocknameCall, fd);
/** The address of the peer; undefined once it is disconnected. */
export const remoteAddress = (fd: number): SocketAddress | undefined => readAddress(getpeernameCall, fd);

/** The network of clients whose address is unknown, or is a path. */
const NO_NETWORK = 1;

/**
 * A number for the network of the peer, which usually belongs to one party: an IPv4 address, also one mapped to IPv6, or the
 * first 64 bits of an IPv6 address (RFC 4291, 2.5.4). Never 0; networks that share a number are rare.
 */
export function remoteNetwork(fd: number): number {
  addressBytes.fill(0);
  addressLength[0] = addressBytes.length;
  if (getpeernameCall(fd, addressBytes, addressLength) < 0) return NO_NETWORK;
  switch (readFamily(addressBytes)) {
    case AF_INET:
      return addressBytes.readInt32BE(4) || NO_NETWORK;
    case AF_INET6: {
      const [high, low] = [addressBytes.readInt32BE(8), addressBytes.readInt32BE(12)];
      const isMapped = high === 0 && low === 0 && addressBytes.readInt32BE(16) === 0xffff;
      const network = isMapped ? addressBytes.readInt32BE(20) : Math.imul(high, 0x9e37_79b1) ^ low;
      return network || NO_NETWORK;
    }
    default:
      return NO_NETWORK;
  }
}

const option = new Int32Array(1);
function setOption(fd: number, level: number, name: number, value: number): void {
  option[0] = value;
  must('setsockopt', orErrno(setsockoptCall(fd, level, name, option, 4)));
}

const optionLength = new Uint32Array(1);
/** -1 if the descriptor is no socket. */
function getOption(fd: number, level: number, name: number): number {
  optionLength[0] = 4;
  return getsockoptCall(fd, level, name, option, optionLength) < 0 ? -1 : option[0]!;
}

/** Whether a descriptor is a stream socket that does not listen (socket(7)). */
export const isStream = (fd: number): boolean =>
  getOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM && getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 0;

/** Whether a descriptor is a stream socket without a peer: one that can listen, or does. */
export const isUnconnectedStream = (fd: number): boolean =>
  getOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM && remoteAddress(fd) === undefined;

/** Makes an inherited socket, bound to `address`, as `bindListener` makes its own. @throws PacelineError `PACELINE_SYSTEM` */
export function inheritListener(fd: number, { family }: SocketAddress): void {
  keepToProcess(fd);
  if (family !== 'Unix') setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/**
 * Lets further sockets of this user be bound to the address of a TCP socket (socket(7), SO_REUSEPORT): the kernel deals connections to all
 * of them that listen. Set before bind(2), the socket may also join one that another process has bound so.
 */
export const sharePort = (fd: number): void => setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);

/**
 * A socket bound to `address` that does not listen yet. Accepted connections inherit TCP_NODELAY from it, so a
 * response never waits for the peer's delayed acknowledgement (tcp(7)).
 *
 * @param joins whether it joins the sockets that are bound there and share their port
 * @throws PacelineError `PACELINE_ADDRESS_IN_USE`, `PACELINE_ADDRESS` or `PACELINE_SYSTEM`
 */
export function bindListener(address: SocketAddress, joins = false): number {
  const family = address.family === 'Unix' ? AF_UNIX : address.family === 'IPv4' ? AF_INET : AF_INET6;
  const encoded = encodeAddress(address);
  const fd = must('socket', orErrno(socketCall(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  try {
    if (family !== AF_UNIX) {
      setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      if (joins) sharePort(fd);
    }
    if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    const result = orErrno(bindCall(fd, encoded, encoded.length));
    if (result < 0) throw addressError('bind', -result, address);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/**
 * Has a listening socket deliver connections once they have sent something, or after a second or so (tcp(7), TCP_DEFER_ACCEPT). Not for
 * protocols in which the server speaks first. Without effect on a Unix socket.
 */
export function deferAccept(fd: number): void {
  option[0] = 1;
  setsockoptCall(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, option, option.byteLength);
}

/** Makes a bound socket listen. @throws PacelineError `PACELINE_ADDRESS_IN_USE` or `PACELINE_SYSTEM` */
export function startListening(fd: number, backlog: number): void {
  const result = orErrno(listenCall(fd, backlog));
  if (result < 0) throw addressError('listen', -result, localAddress(fd)!);
}

function addressError(
  syscall: string,
  number: number,
  { address, family, port }: SocketAddress,
): PacelineError {
  const where =
    family === 'Unix' ? address : family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
  switch (number) {
    case EADDRINUSE:
      return new PacelineError(
        'PACELINE_ADDRESS_IN_USE',
        `${where} is in use by another server; stop that one or choose another ${family === 'Unix' ? 'path' : 'port'}`,
        { errno: number, syscall },
      );
    // Of a path: no other address names anything that may be missing.
    case ENOENT:
    case ENOTDIR:
      return new PacelineError(
        'PACELINE_ADDRESS',
        `the folder of the Unix socket ${where} does not exist; make it or choose another path`,
        { errno: number, syscall },
      );
    case EADDRNOTAVAIL:
      return new PacelineError(
        'PACELINE_ADDRESS',
        `${where} is no address of this machine; use 127.0.0.1, 0.0.0.0 or one of its own`,
        { errno: number, syscall },
      );
    case EACCES:
      return new PacelineError(
        'PACELINE_ADDRESS',
        `this user may not listen on ${where}; choose ${family === 'Unix' ? 'a folder that it may write to' : 'a port above 1023'}`,
        { errno: number, syscall },
      );
    default:
      return systemError(syscall, number, where, 'PACELINE_ADDRESS');
  }
}

/** The next connection of a listening socket, or the errno negated. */
export const acceptConnection = (fd: number): number =>
  orErrno(acceptCall(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC));

/** Receives up to `bytes` bytes to `address`: their number, 0 at the end of input, or -errno. See libc's addressOf. */
export const receive = (fd: number, address: number, bytes: number): number =>
  orErrno(recvCall(fd, address, bytes, 0));

/** Sends the first `bytes` bytes of `buffer`: how many the kernel took, or -errno. Never raises SIGPIPE. */
export const transmit = (fd: number, buffer: Uint8Array, bytes: number): number =>
  orErrno(sendCall(fd, buffer, bytes, MSG_NOSIGNAL));

/** As `transmit`, without waiting where the socket is one that blocks. */
export const transmitAtOnce = (fd: number, buffer: Uint8Array, bytes: number): number =>
  orErrno(sendCall(fd, buffer, bytes, MSG_NOSIGNAL | MSG_DONTWAIT));

/**
 * As `transmit`, from an address.
 *
 * @param more more follows at once, so the kernel need not send a packet for this alone (send(2), MSG_MORE)
 */
export const transmitFrom = (fd: number, address: number, bytes: number, more: boolean): number =>
  orErrno(sendFromCall(fd, address, bytes, more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL));

/** Shuts down sending: the peer reads the end of input. */
export function shutdownSending(fd: number): void {
  shutdownCall(fd, SHUT_WR);
}

/**
 * Whether closing the socket, also by the end of the process, resets the connection and drops unsent bytes (socket(7), SO_LINGER
 * with no time), instead of sending them and ending the connection in order. A Unix socket has no reset.
 */
export function resetOnClose(fd: number, resets: boolean): void {
  lingerOption[0] = resets ? 1 : 0;
  setsockoptCall(fd, SOL_SOCKET, SO_LINGER, lingerOption, lingerOption.byteLength);
}

/** Shuts down both directions. */
export function shutdownBoth(fd: number): void {
  shutdownCall(fd, SHUT_RDWR);
}

/**
 * Replaces the file of a descriptor by an unconnected socket: the old file is closed, a read from the descriptor gets an error,
 * and it is reported as hung up (unix(7), epoll_ctl(2)).
 *
 * @returns 0 or the errno negated
 */
export function replaceByDeadSocket(fd: number): number {
  const dead = orErrno(socketCall(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (dead < 0) return dead;
  const result = orErrno(dup3Call(dead, fd, SOCK_CLOEXEC));
  closeDescriptor(dead);
  return Math.min(result, 0);
}
