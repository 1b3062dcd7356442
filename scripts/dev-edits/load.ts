/** Clients that request a page as fast as they get it: half of them on a new connection each time, half on connections that they keep. */
import { Agent, get } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Requests a page. @throws the error of the connection */
export function request(url: string, headers: Record<string, string>, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { headers, agent: agent ?? false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode!, type: response.headers['content-type'] ?? '', body });
      });
      response.on('error', reject);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const { reusedSocket } = sent;
      reject(Object.assign(error, { isRetried: reusedSocket && error.code === 'ECONNRESET' }));
    });
  });
}

export class Load {
  readonly #answers = new Map<number | 'failed', number>();
  readonly #failures: string[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(url: string, clients: number) {
    this.#clients = Array.from({ length: clients }, (_, index) =>
      this.#run(url, index % 2 === 0 ? this.#agent : undefined),
    );
  }

  async #run(url: string, agent: Agent | undefined): Promise<void> {
    while (!this.#isOver) {
      try {
        const { status } = await request(url, {}, agent);
        this.#count(status);
      } catch (error) {
        // A server may close a kept connection at any time, and clients ask again on another one (RFC 9112, 9.3.1).
        if ((error as { isRetried?: boolean }).isRetried) continue;
        this.#count('failed');
        this.#failures.push(
          `${agent === undefined ? 'new' : 'kept'} connection: ${(error as Error).message}`,
        );
      }
    }
  }

  #count(outcome: number | 'failed'): void {
    this.#answers.set(outcome, (this.#answers.get(outcome) ?? 0) + 1);
  }

  async end(): Promise<{
    readonly answers: ReadonlyMap<number | 'failed', number>;
    readonly failures: readonly string[];
  }> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
    return { answers: this.#answers, failures: this.#failures };
  }
}
