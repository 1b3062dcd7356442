// The least that the handlers take as a request and a response, for measuring what a handler costs by itself: classes that keep
// what they are given. Neither a runtime's classes nor undici's are in that figure.

/** Fields by their names in lower case, which is how the handlers' framework asks for them. */
class FieldsStandIn {
  readonly #fields: ReadonlyMap<string, string>;

  constructor(fields: Readonly<Record<string, string>>) {
    this.#fields = new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase()) ?? null;
  }
}

export class RequestStandIn {
  constructor(
    readonly method: string,
    readonly url: string,
    readonly headers: FieldsStandIn,
    readonly body: string,
  ) {}

  text(): Promise<string> {
    return Promise.resolve(this.body);
  }

  json(): Promise<unknown> {
    return Promise.resolve(JSON.parse(this.body));
  }
}

export class ResponseStandIn {
  constructor(
    readonly body?: unknown,
    readonly init?: ResponseInit,
  ) {}
}

/** The reply of Fastify: its methods return it, and objects are sent as JSON. */
export class ReplyStandIn {
  body: unknown;

  type(_type: string): this {
    return this;
  }

  code(_status: number): this {
    return this;
  }

  send(payload: unknown): this {
    this.body = typeof payload === 'string' ? payload : JSON.stringify(payload);
    return this;
  }
}

export const fieldsOf = (fields: Readonly<Record<string, string>>) => new FieldsStandIn(fields);
