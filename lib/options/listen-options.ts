/** Where a server listens: the options of listen(), and how the option `listen` spells them. */
import { HOST_AND_PORT, hostAndPort, PORT_DIGITS, PORT_MAX } from './host-port.js';
import type { OptionKind } from './option-kinds.js';
import { optionError, refuseUnknownNames, show, wholeNumber } from './validate.js';

/** One address: a port of this machine, the path of a Unix socket, or a socket that the process has inherited. */
export type ListenOptions = ListenPort | ListenPath | ListenDescriptor;

export interface ListenPort {
  /** 0 takes any free port. Default: 8080. */
  readonly port?: number;
  /** A name or an IPv4 or IPv6 address. Default: 127.0.0.1. */
  readonly host?: string;
  readonly path?: undefined;
  readonly fd?: undefined;
}

export interface ListenPath {
  /** The path of a Unix socket. The file of a socket on which nothing listens any more is replaced. */
  readonly path: string;
  readonly port?: undefined;
  readonly host?: undefined;
  readonly fd?: undefined;
}

export interface ListenDescriptor {
  /**
   * The descriptor of a stream socket that the process has inherited, bound or listening already, as systemd passes it
   * (sd_listen_fds(3)). The server takes it over and closes it in the end; the path of a Unix socket stays.
   */
  readonly fd: number;
  readonly port?: undefined;
  readonly host?: undefined;
  readonly path?: undefined;
}

/** How many addresses one server has. Servers of the app itself may listen at as many again (MAX_LISTENERS is 32). */
export const MAX_ADDRESSES = 16;

export const DEFAULT_PORT = 8080;
const MAX_DESCRIPTOR = 2 ** 31 - 1;

const FD = String.raw`^fd:(\d{1,7})$`;
const PATH = '^unix:(.+)$';
const PORT = `^${PORT_DIGITS}$`;

/** HOST:PORT, PORT, unix:PATH or fd:N; in a list, which a comma separates in one text. */
export function listenAddresses(): OptionKind<readonly ListenOptions[]> {
  const address = { type: 'string', pattern: [FD, PATH, PORT, HOST_AND_PORT].join('|') };
  return {
    fromText: (text) => text.split(',').map((part) => part.trim()),
    check(value, name) {
      const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
      if (parts.length === 0 || parts.length > MAX_ADDRESSES) {
        throw optionError(`${name} must have 1 to ${MAX_ADDRESSES} addresses, not ${parts.length}`);
      }
      return parts.map((part) => checkAddress(part, name));
    },
    schema: {
      anyOf: [address, { type: 'array', items: address, minItems: 1, maxItems: MAX_ADDRESSES }],
    },
  };
}

function checkAddress(value: unknown, name: string): ListenOptions {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address !== undefined) return address;
  throw optionError(
    `${name} must be HOST:PORT (with IPv6 in brackets), PORT, unix:PATH or fd:N, not ${show(value)}`,
  );
}

function parseAddress(text: string): ListenOptions | undefined {
  const [, fd] = new RegExp(FD).exec(text) ?? [];
  if (fd !== undefined) return { fd: Number(fd) };
  const [, path] = new RegExp(PATH).exec(text) ?? [];
  if (path !== undefined) return { path };
  return new RegExp(PORT).test(text) ? { port: Number(text) } : hostAndPort(text);
}

/**
 * Checks what listen() has got.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function checkListenOptions(list: readonly unknown[]): void {
  if (list.length === 0 || list.length > MAX_ADDRESSES) {
    throw optionError(`listen() takes 1 to ${MAX_ADDRESSES} addresses, not ${list.length}`);
  }
  const descriptors = list.flatMap((options) => checkOne(options).fd ?? []);
  const twice = descriptors.find((fd, index) => descriptors.indexOf(fd) !== index);
  if (twice !== undefined) {
    throw optionError(`listen() has got the descriptor ${twice} twice; name it once`);
  }
}

function checkOne(options: unknown): ListenOptions {
  if (typeof options !== 'object' || options === null) {
    throw optionError(
      `listen() takes an object, as in listen({ port: ${DEFAULT_PORT} }), not ${show(options)}`,
    );
  }
  refuseUnknownNames(Object.keys(options), ['port', 'host', 'path', 'fd'], 'option of listen()');
  const { port, host, path, fd } = options as Readonly<Record<string, unknown>>;
  if ([port ?? host, path, fd].filter((value) => value !== undefined).length > 1) {
    throw optionError('listen() takes a port and a host, or a path, or a descriptor, and not two of these');
  }
  if (port !== undefined) wholeNumber(port, 'port', 0, PORT_MAX);
  if (fd !== undefined) wholeNumber(fd, 'fd', 0, MAX_DESCRIPTOR);
  for (const [name, value] of Object.entries({ host, path })) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw optionError(`${name} must be a text that is not empty, not ${show(value)}`);
    }
  }
  return options as ListenOptions;
}
