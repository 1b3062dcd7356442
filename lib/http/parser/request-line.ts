/**
 * The first line of a head, RFC 9112 section 3: method, target and version, and which method may have which form of
 * target. Each part resumes where the last call stopped, and returns STOPPED when the bytes end or the request is refused.
 */
import { authorityStart, endOfAuthority, isAuthority, NO_AUTHORITY } from './authority.js';
import * as classes from './byte-classes.js';
import { equalsIgnoringCase, startsWith } from './compare-bytes.js';
import { type ParserRegisters, STOPPED } from './registers.js';
import * as states from './states.js';

const { FIELD_START, METHOD, REQUEST_TARGET, SAW_ABSOLUTE_TARGET, SAW_VERSION_1_1, VERSION } = states;
const { ASTERISK, CR, DIGIT_0, DIGIT_9, DOT, LF, SLASH, SP, TARGET, TOKEN } = classes;

/** The longest registered method has 17 letters (UPDATEREDIRECTREF). A longer one than this is 501, RFC 9112 section 3. */
const MAX_METHOD_SIZE = 64;
/** The methods that Fetch puts in upper case, in whatever case they are written (its "normalize a method"). */
const NORMALISED = ['delete', 'get', 'head', 'options', 'post', 'put'].map(classes.ascii);
/** The bit that is set in lower-case letters and clear in upper-case ones. */
const LOWER_CASE = 0x20;
const METHOD_CONNECT = classes.ascii('CONNECT');
const METHOD_OPTIONS = classes.ascii('OPTIONS');
const VERSION_START = classes.ascii('HTTP/');
const LINE_1_1 = classes.ascii('HTTP/1.1\r\n');
/** The positions of the parts in "HTTP/1.1\r\n". */
const AT_MAJOR = 5;
const AT_DOT = 6;
const AT_MINOR = 7;
const AT_CR = 8;
const AT_LF = 9;

/** RFC 9112 section 3: method SP request-target SP HTTP-version CRLF. @returns the start of the fields, or STOPPED */
export function requestLine(
  registers: ParserRegisters,
  bytes: Uint8Array,
  from: number,
  end: number,
): number {
  const head = registers.messageStart;
  let at = from;
  if (registers.state === METHOD) {
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    if (at - head > MAX_METHOD_SIZE) return registers.refuse(501, 'method too long');
    if (at === end) return STOPPED;
    if (bytes[at] !== SP) return registers.refuse(400, 'invalid byte in the method');
    registers.methodEnd = at - head;
    if (isMiswritten(bytes, head, at)) return registers.refuse(400, 'a method in the wrong case');
    registers.state = REQUEST_TARGET;
    at++;
  }
  if (registers.state === REQUEST_TARGET) {
    while (at < end && TARGET[bytes[at]!] !== 0) at++;
    const length = at - head - registers.methodEnd - 1;
    if (length > registers.maxTargetSize) return registers.refuse(414, 'request target too long');
    if (at === end) return STOPPED;
    if (bytes[at] !== SP) return registers.refuse(400, 'invalid byte in the request target');
    registers.targetEnd = at - head;
    registers.state = VERSION;
    at++;
  }
  return version(registers, bytes, at, end);
}

/**
 * Methods are case-sensitive (RFC 9110 section 9.1), so "delete" is not "DELETE", and a proxy's rule for DELETE does not
 * apply to it; but `new Request()` turns it into "DELETE". No honest client sends it, so no handler gets it.
 */
function isMiswritten(bytes: Uint8Array, start: number, end: number): boolean {
  let bits = 0;
  for (let at = start; at < end; at++) bits |= bytes[at]!;
  return (
    (bits & LOWER_CASE) !== 0 && NORMALISED.some((method) => equalsIgnoringCase(bytes, start, end, method))
  );
}

/** RFC 9112 section 2.3, up to the line's end. A well-formed version that is not supported is 505. */
function version(registers: ParserRegisters, bytes: Uint8Array, from: number, end: number): number {
  const start = registers.messageStart + registers.targetEnd + 1;
  // Fast path: HTTP/1.1, in one piece, as in nearly every request.
  if (from === start && end - from >= LINE_1_1.length && startsWith(bytes, from, LINE_1_1)) {
    registers.flags |= SAW_VERSION_1_1;
    registers.state = FIELD_START;
    return targetForm(registers, bytes) ? from + LINE_1_1.length : STOPPED;
  }
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    const index = at - start;
    if (index < AT_MAJOR) {
      if (byte !== VERSION_START[index]) return registers.refuse(400, 'invalid HTTP version');
    } else if (index === AT_DOT) {
      if (byte !== DOT) return registers.refuse(400, 'invalid HTTP version');
    } else if (index < AT_CR) {
      if (byte < DIGIT_0 || byte > DIGIT_9) return registers.refuse(400, 'invalid HTTP version');
      if (index === AT_MINOR) {
        if (bytes[start + AT_MAJOR] !== DIGIT_0 + 1 || byte > DIGIT_0 + 1) {
          return registers.refuse(505, 'HTTP version not supported');
        }
        if (byte !== DIGIT_0) registers.flags |= SAW_VERSION_1_1;
      }
    } else if (index < AT_LF) {
      if (byte !== CR) return registers.refuse(400, 'no CRLF after the HTTP version');
      // Checked last, so that HTTP/2's preface "PRI * HTTP/2.0" is refused for its version and not for its asterisk.
      if (!targetForm(registers, bytes)) return STOPPED;
    } else {
      if (byte !== LF) return registers.refuse(400, 'no CRLF after the HTTP version');
      registers.state = FIELD_START;
      return at + 1;
    }
  }
  return STOPPED;
}

/** RFC 9112 section 3.2: the four forms of a target, and which method may use which. False: refused. */
function targetForm(registers: ParserRegisters, bytes: Uint8Array): boolean {
  const head = registers.messageStart;
  const start = head + registers.methodEnd + 1;
  const end = head + registers.targetEnd;
  const isConnect = registers.methodEnd === METHOD_CONNECT.length && startsWith(bytes, head, METHOD_CONNECT);
  if (isConnect) {
    if (!isAuthority(bytes, start, end)) return registers.refuseLine(400, 'CONNECT without an authority');
    return registers.leavesToServer || registers.refuseLine(501, 'CONNECT is not implemented');
  }
  if (bytes[start] === SLASH) return true;
  if (bytes[start] === ASTERISK && end - start === 1) {
    if (registers.methodEnd === METHOD_OPTIONS.length && startsWith(bytes, head, METHOD_OPTIONS)) return true;
    return registers.refuseLine(400, 'only OPTIONS may have the target *');
  }
  const authority = authorityStart(bytes, start, end);
  if (authority === NO_AUTHORITY) return registers.refuseLine(400, 'invalid form of the request target');
  const authorityEnd = endOfAuthority(bytes, authority, end);
  // An http URI has no empty host (RFC 9110 section 4.2.1), and user information is a mark of attacks (section 4.2.4).
  if (authorityEnd === authority || !isAuthority(bytes, authority, authorityEnd)) {
    return registers.refuseLine(400, 'invalid authority in the request target');
  }
  registers.flags |= SAW_ABSOLUTE_TARGET;
  return true;
}
