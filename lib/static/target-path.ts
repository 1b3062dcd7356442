/**
 * From the path of a request's URL to the path of a file below the root.
 *
 * The URL parser has resolved dot segments (`..`, `%2e%2e`) and turned backslashes into slashes before a handler sees
 * the URL. Nothing here relies on that: any path that is not plainly the name of a file is refused.
 */

/** A path that no file can have: 400. */
export const BAD_PATH = 400;
/** A path that is never served, whether it exists or not: 404. */
export const HIDDEN_PATH = 404;

/** Percent-encoded separators, which would appear after the path was split; NUL, which ends a C string; a raw backslash. */
const FORBIDDEN = /%2f|%5c|%00|\\|\0/i;

/** The path of a URL, without making a URL object: `scheme://authority/path?query#fragment`. */
export function pathOfUrl(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  for (let at = start; at < url.length; at++) {
    const code = url.charCodeAt(at);
    if (code === 0x3f || code === 0x23) return url.substring(start, at);
  }
  return url.substring(start);
}

/** The query of a URL with its question mark, or ''. */
export function queryOfUrl(url: string): string {
  const fragment = url.indexOf('#');
  const end = fragment < 0 ? url.length : fragment;
  const start = url.indexOf('?');
  return start < 0 || start > end ? '' : url.substring(start, end);
}

/**
 * Decodes a URL's path.
 *
 * @param path as in the URL, beginning with a slash
 * @param dotfiles whether names may begin with a dot; `.well-known` (RFC 8615) at the top always may
 * @returns the path below the root, beginning with a slash, without NUL, empty or dot segments; ending with a slash where
 * `path` does; or BAD_PATH or HIDDEN_PATH
 */
export function targetPath(path: string, dotfiles: boolean): string | typeof BAD_PATH | typeof HIDDEN_PATH {
  if (FORBIDDEN.test(path)) return BAD_PATH;
  let decoded: string;
  try {
    // Throws for an incomplete escape and for invalid UTF-8, overlong forms included (RFC 3629, 3).
    decoded = decodeURIComponent(path);
  } catch {
    return BAD_PATH;
  }
  // Decoded once only: %252e%252e names a file that is called "%2e%2e".
  const segments = decoded.split('/');
  const last = segments.length - 1;
  if (segments[0] !== '' || last === 0) return BAD_PATH;
  for (let index = 1; index <= last; index++) {
    const segment = segments[index]!;
    // Two slashes in a row would turn a redirect's Location into "//host/": a URL of another host (RFC 3986, 4.2).
    if (segment === '' && index < last) return HIDDEN_PATH;
    if (segment === '.' || segment === '..') return BAD_PATH;
    if (segment.startsWith('.') && !dotfiles && !(index === 1 && segment === '.well-known'))
      return HIDDEN_PATH;
  }
  return decoded;
}
