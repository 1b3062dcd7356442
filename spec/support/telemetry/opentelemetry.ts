/** What the specs of OpenTelemetry share: a caller's trace, spans as the fixtures print them, and an upstream that records what it receives. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const CALLER = 'b7ad6b7169203331';
export const TRACEPARENT = `traceparent: 00-${TRACE}-${CALLER}-01\r\n`;
/** Of a span's status. */
export const UNSET = 0;
export const ERROR = 2;

export interface Span {
  readonly name: string;
  readonly kind: 'SERVER' | 'CLIENT' | 'INTERNAL';
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly status: number;
}

/** A server that the apps of the specs call. */
export class Upstream {
  /** The traceparent fields that it has received. */
  readonly received: string[] = [];
  readonly #server: Server = createServer((request, response) => {
    this.received.push(String(request.headers.traceparent));
    response.end('upstream');
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): string {
    return String((this.#server.address() as AddressInfo).port);
  }

  close(): void {
    this.#server.close();
  }
}
