// The part of Express's API that is used here; its types are not a dependency of this project.

declare module 'express' {
  import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

  export interface Request extends IncomingMessage {
    readonly params: Readonly<Record<string, string>>;
    readonly query: Readonly<Record<string, string | undefined>>;
    readonly body: unknown;
    get(field: string): string | undefined;
  }

  export interface Response extends ServerResponse {
    status(code: number): this;
    send(body: string): this;
    json(body: object): this;
  }

  export type Handler = (request: Request, response: Response, next: () => void) => unknown;

  export interface Application extends RequestListener {
    use(handler: Handler): this;
    get(path: string, handler: Handler): this;
    post(path: string, handler: Handler): this;
    listen(port: number, host: string, listening: () => void): Server;
  }

  export interface Express {
    (): Application;
    json(): Handler;
  }

  const express: Express;
  export default express;
}
