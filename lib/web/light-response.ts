/**
 * The Response that an app constructs. undici's constructor makes a stream, a Headers list and more, and takes as long as
 * two whole requests; this one keeps its arguments (response-state.ts). It passes for a Response; whatever it cannot do is
 * done by a real one (undici's), made on demand. docs/decisions/0009-light-classes.md describes the consequences.
 *
 * This file has the members on the prototype, the static methods, the constructor, and the installation of all classes.
 */

import { bodyReaders } from './body-readers.js';
import type { FileBody } from './file-body.js';
import { installHeaders } from './light-headers.js';
import { installRequest } from './light-request.js';
import type { Outgoing } from './outgoing.js';
import { delegateRest, replaceClass, replaceMembers } from './patch-prototype.js';
import { bareClass, Given } from './private-state.js';
import { noteBody, noteHeaders } from './proxied-response.js';
import { type RedirectStatus, ResponseState } from './response-state.js';
import { decodeText, nativeResponse, RealResponse } from './web-globals.js';

const REDIRECTS = new Set<unknown>([301, 302, 303, 307, 308]);

class Carrier extends Given {
  readonly #state: ResponseState;

  constructor(object: object, state: ResponseState) {
    super(object);
    this.#state = state;
  }

  /** The state of a light object; null for any other value. Fast path. */
  static stateOf(value: unknown): ResponseState | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
  }
}

const { stateOf } = Carrier;

/** The real response in place of a light one; any other value as it is. */
function realOf(value: unknown): unknown {
  const state = stateOf(value);
  return state === null ? value : state.real();
}

/** The global class. Subclasses work as usual: `super()` gets an object with the subclass's prototype. */
function LightResponse(this: object, body: unknown = null, init: unknown = undefined): void {
  if (new.target === undefined) {
    throw new TypeError("Class constructor Response cannot be invoked without 'new'");
  }
  new Carrier(this, ResponseState.made(body, init));
}

/** Objects that become light responses. Their class is Response, also when a static method is called on a subclass. */
const Bare = bareClass(RealResponse.prototype);

function lightOf(state: ResponseState): Response {
  const response = new Bare();
  new Carrier(response, state);
  return response;
}

const statics = {
  error(): Response {
    return lightOf(ResponseState.adopted(RealResponse.error()));
  },
  json(...args: [data: unknown, init?: ResponseInit]): Response {
    const text = JSON.stringify(args[0]);
    const state = typeof text === 'string' ? ResponseState.json(text, args[1]) : null;
    return lightOf(state ?? ResponseState.adopted(RealResponse.json(...args)));
  },
  redirect(...args: [url: string | URL, status?: RedirectStatus]): Response {
    const [url, status = 302] = args;
    const isPlain = typeof url === 'string' || url instanceof URL;
    if (isPlain && REDIRECTS.has(status) && URL.canParse(String(url))) {
      return lightOf(ResponseState.redirect(new URL(url).href, status));
    }
    return lightOf(ResponseState.adopted(RealResponse.redirect(...(args as [string, RedirectStatus]))));
  },
};

const members = {
  get type(): Response['type'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'type') : state.type;
  },
  get url(): Response['url'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'url') : state.url;
  },
  get redirected(): Response['redirected'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'redirected') : state.redirected;
  },
  get status(): Response['status'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'status') : state.status;
  },
  get ok(): Response['ok'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'ok') : state.status >= 200 && state.status <= 299;
  },
  get statusText(): Response['statusText'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'statusText') : state.statusText;
  },
  get headers(): Response['headers'] {
    const state = stateOf(this);
    if (state !== null) return state.headers;
    const headers = nativeResponse.get(this, 'headers');
    noteHeaders(headers, nativeResponse.get(this, 'url'));
    return headers;
  },
  get body(): Response['body'] {
    const state = stateOf(this);
    if (state !== null) return state.body;
    const body = nativeResponse.get(this, 'body');
    if (body !== null) noteBody(body, nativeResponse.get(this, 'url'), nativeResponse.get(this, 'headers'));
    return body;
  },
  get bodyUsed(): Response['bodyUsed'] {
    const state = stateOf(this);
    return state === null ? nativeResponse.get(this, 'bodyUsed') : state.bodyUsed;
  },
  clone(): unknown {
    const state = stateOf(this);
    return state === null ? nativeResponse.call(this, 'clone') : lightOf(state.clone());
  },
  ...bodyReaders({
    take: (object, decode) => stateOf(object)?.take(decode) ?? null,
    takeText: (object, convert) => stateOf(object)?.take((bytes) => convert(decodeText(bytes))) ?? null,
    askReal: (object, name) => nativeResponse.call(realOf(object), name) as Promise<unknown>,
  }),
};

/** A response with a status and header lines that are known to be valid: for the runtime's own use. */
export function responseOf(status: number, lines: string, body: string | FileBody | null): Response {
  return lightOf(ResponseState.of(status, lines, body));
}

/** What a light response sends; null when `value` is not one. @throws TypeError when its body has been used */
export function lightOutgoing(value: object): Outgoing | null {
  return stateOf(value)?.outgoing() ?? null;
}

/** What is sent for parts of a response that are not known to be valid. @throws what the constructor throws */
export function outgoingOf(body: unknown, init: ResponseInit): Outgoing {
  return ResponseState.made(body, init).outgoing();
}

// On import: a light response needs these members, and real responses behave as before.
replaceMembers(RealResponse.prototype, members);
delegateRest(RealResponse.prototype, members, realOf);

let installed = false;

/** Replaces the global Headers, Request, Response and fetch. For each worker thread, before the app loads. Idempotent. */
export function installResponse(): void {
  if (installed) return;
  installed = true;
  installHeaders();
  installRequest();
  replaceClass(LightResponse, RealResponse, statics);
}
