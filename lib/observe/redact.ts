/** Requests as they are shown: the values of a query are often secrets (tokens, addresses, search terms). */

/**
 * A part of a query without a value may be the name of an option that is on, or a secret of its own (`/reset?c2VjcmV0`). A short word
 * of lower-case letters is shown, since keys and tokens are longer, or have digits or capitals; all else is hidden.
 */
const FLAG = /^[a-z]+([-_][a-z]+)*$/;
const MAX_FLAG = 16;

/**
 * A request's method and target with `*` for each value of its query, and for what may be one: `GET /x?verbose&token=*&*`.
 *
 * @param request as `METHOD TARGET`
 */
export function redactQuery(request: string): string {
  const mark = request.indexOf('?');
  if (mark < 0) return request;
  return (
    request.slice(0, mark + 1) +
    request
      .slice(mark + 1)
      .split('&')
      .map(redactPart)
      .join('&')
  );
}

function redactPart(part: string): string {
  const equals = part.indexOf('=');
  const name = equals < 0 ? part : part.slice(0, equals);
  if (equals >= 0 && !isPadding(part.slice(equals))) return `${name}=*`;
  if (part === '') return '';
  if (name.length > MAX_FLAG || !FLAG.test(name)) return '*';
  return equals < 0 ? name : `${name}=*`;
}

/** Whether there is nothing but the padding of Base64 (RFC 4648, section 4), which a secret may end in. */
const isPadding = (rest: string): boolean => /^=+$/.test(rest);
