/**
 * The routes that an app has declared to block or not to block, as patterns: an optional method and a space, then a path. Of the
 * path's segments `*` or `:name` matches one that is not empty, `**` as the last one matches all the rest, and every other one
 * matches itself. GET matches HEAD as well.
 *
 * Patterns are compared with the target as it was sent, without its query. What the folding of route-key.ts merges they tell
 * apart, so nothing is kept by a route's hash. Declared routes have slots of their own in the route table, one for each pattern.
 */
import { PacelineError } from '../errors.js';
import { equals, pathEnd, pathStart, SLASH } from './request-bytes.js';
import { cutName, patternHash } from './route-key.js';
import { DECLARED_BLOCKING, DECLARED_NON_BLOCKING } from './route-table.js';

export interface DeclaredRoute {
  /** The pattern, as the app has written it; cut if it is long. */
  readonly name: string;
  /** Its key in the route table. */
  readonly hash: number;
  readonly routeClass: typeof DECLARED_BLOCKING | typeof DECLARED_NON_BLOCKING;
}

/** A request may be compared with all of them. */
const MAX_PATTERNS = 100;

/** A segment that matches any one but an empty one. */
const ANY = Symbol('any');

/** Methods are tokens (RFC 9110 section 9.1), and all registered ones are in capitals. */
const METHOD = /^[A-Z][A-Z-]*$/;
/** The bytes of a target as the parser admits them, without `?`, which begins the query. */
const PATH = /^\/[!-"$->@-~]*$/;
const PARAMETER = /^:[A-Za-z_]\w*$/;

export class DeclaredRoutes {
  readonly #patterns: readonly Pattern[];

  /**
   * @param declaration the app's `routes`: a RouteDeclaration of web/context.ts, which is checked here. No declaration are
   * undefined, and what routers of other projects have under the same name: functions, objects that are not plain, and an object
   * with paths as keys
   * @throws PacelineError `PACELINE_APP_SHAPE`
   */
  constructor(declaration: unknown) {
    this.#patterns = isForeign(declaration) ? [] : patternsOf(declaration);
  }

  /** Nothing was declared: no request needs to be compared. */
  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /**
   * The declaration that a request matches: the first of those that do not block, else the first of those that do.
   *
   * @param bytes hold the method and the target, at the given places
   */
  routeOf(
    bytes: Uint8Array,
    methodStart: number,
    methodEnd: number,
    targetStart: number,
    targetEnd: number,
  ): DeclaredRoute | undefined {
    const start = pathStart(bytes, targetStart, targetEnd);
    const end = pathEnd(bytes, start, targetEnd);
    if (start < end && bytes[start] !== SLASH) return undefined;
    for (const pattern of this.#patterns) {
      if (pattern.matchesMethod(bytes, methodStart, methodEnd) && pattern.matchesPath(bytes, start, end))
        return pattern;
    }
    return undefined;
  }
}

class Pattern implements DeclaredRoute {
  readonly name: string;
  readonly hash: number;
  /** Undefined for all. */
  readonly #methods: readonly Uint8Array[] | undefined;
  readonly #segments: readonly (Uint8Array | typeof ANY)[];
  /** Ends with `**`. */
  readonly #isOpen: boolean;

  constructor(
    text: string,
    readonly routeClass: DeclaredRoute['routeClass'],
  ) {
    const { method, segments } = parse(text);
    this.name = cutName(text);
    this.hash = patternHash(text);
    if (method !== undefined)
      this.#methods = (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((name) => Buffer.from(name));
    this.#isOpen = segments.at(-1) === '**';
    this.#segments = (this.#isOpen ? segments.slice(0, -1) : segments).map((segment) =>
      isWildcard(segment) ? ANY : Buffer.from(segment),
    );
  }

  matchesMethod(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#methods === undefined) return true;
    for (const method of this.#methods) if (equals(bytes, start, end, method)) return true;
    return false;
  }

  matchesPath(bytes: Uint8Array, start: number, end: number): boolean {
    // Of a target that ends with its authority the path is "/", which has one empty segment.
    let at = start === end ? start : start + 1;
    for (const segment of this.#segments) {
      if (at > end) return false;
      let to = at;
      while (to < end && bytes[to] !== SLASH) to++;
      if (segment === ANY ? to === at : !equals(bytes, at, to, segment)) return false;
      at = to + 1;
    }
    // Behind the last segment, `at` is behind the end as well.
    return this.#isOpen || at > end;
  }
}

function patternsOf(declaration: unknown): Pattern[] {
  if (typeof declaration !== 'object' || declaration === null)
    throw shapeError('`routes` is an object with the lists `blocking` and `nonBlocking`');
  for (const key of Object.keys(declaration)) {
    if (key !== 'blocking' && key !== 'nonBlocking')
      throw shapeError(`\`routes\` has the lists \`blocking\` and \`nonBlocking\`, and no \`${key}\``);
  }
  const { blocking, nonBlocking } = declaration as Record<string, unknown>;
  const slow = listOf('blocking', blocking);
  const fast = listOf('nonBlocking', nonBlocking);
  if (slow.length + fast.length > MAX_PATTERNS)
    throw shapeError(`\`routes\` has more than ${MAX_PATTERNS} patterns`);
  const patterns = [
    ...fast.map((text) => new Pattern(text, DECLARED_NON_BLOCKING)),
    ...slow.map((text) => new Pattern(text, DECLARED_BLOCKING)),
  ];
  const fastOnes = new Map(fast.map((text) => [normalized(text), text]));
  for (const text of slow) {
    const other = fastOnes.get(normalized(text));
    if (other !== undefined)
      throw shapeError(
        `\`routes.blocking\` has "${text}" and \`routes.nonBlocking\` has "${other}", which is the same pattern`,
      );
  }
  return patterns;
}

function listOf(key: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((pattern) => typeof pattern === 'string'))
    throw shapeError(`\`routes.${key}\` is a list of strings`);
  return value;
}

/** @throws PacelineError if the text is no pattern */
function parse(text: string): { method: string | undefined; segments: string[] } {
  const space = text.indexOf(' ');
  const method = space === -1 ? undefined : text.slice(0, space);
  const path = text.slice(space + 1);
  const refuse = (reason: string) => shapeError(`"${text}" of \`routes\` is no pattern: ${reason}`);
  if (method === 'HEAD') throw refuse('HEAD belongs to GET');
  if (method !== undefined && !METHOD.test(method))
    throw refuse('before the space there is a method in capital letters');
  if (!PATH.test(path))
    throw refuse(
      'a path begins with "/" and is written as a client sends it, without query and with what is not ASCII percent-encoded',
    );
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '**' && index < segments.length - 1) throw refuse('"**" is the last segment');
    if (segment.includes('*') && segment !== '*' && segment !== '**')
      throw refuse('"*" is a segment of its own');
    if (segment.startsWith(':') && !PARAMETER.test(segment))
      throw refuse('":" at the start of a segment is followed by a name, and by nothing else');
  }
  return { method, segments };
}

/** The same for patterns that match the same. */
function normalized(text: string): string {
  const { method = '', segments } = parse(text);
  return `${method} ${segments.map((segment) => (isWildcard(segment) ? '*' : segment)).join('/')}`;
}

const isWildcard = (segment: string): boolean => segment === '*' || segment.startsWith(':');

/** Hono and itty-router keep a list of their own in `routes`; Bun.serve takes an object of handlers by path. */
function isForeign(declaration: unknown): boolean {
  if (declaration === undefined || typeof declaration === 'function') return true;
  if (typeof declaration !== 'object' || declaration === null) return false;
  const prototype = Object.getPrototypeOf(declaration);
  if (prototype !== null && prototype !== Object.prototype) return true;
  return Object.keys(declaration).some((key) => key.startsWith('/'));
}

const shapeError = (sentence: string): PacelineError => new PacelineError('PACELINE_APP_SHAPE', sentence);
