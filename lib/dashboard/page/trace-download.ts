/** Lets the server record a trace, and saves it. */
import { byId, saveFile, setText } from './dom.js';

const RECORD_MS = 5000;

export class TraceDownload {
  readonly #button = byId<HTMLButtonElement>('trace');
  readonly #text = byId('trace-text');
  readonly #token: () => string;
  #recording = false;

  constructor(token: () => string) {
    this.#token = token;
    this.#button.addEventListener('click', () => void this.start());
  }

  async start(): Promise<void> {
    if (this.#recording) return;
    this.#recording = true;
    this.#button.setAttribute('aria-disabled', 'true');
    setText(this.#text, `Recording ${RECORD_MS / 1000} s …`);
    try {
      const response = await fetch(`/api/trace?ms=${RECORD_MS}`, {
        cache: 'no-store',
        headers: { authorization: `Bearer ${this.#token()}` },
      });
      if (!response.ok) throw new Error(await refusal(response));
      saveFile(await response.blob(), 'paceline-trace.json');
      setText(this.#text, 'Saved as paceline-trace.json.');
    } catch (error) {
      setText(this.#text, `No trace: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.#recording = false;
      this.#button.removeAttribute('aria-disabled');
    }
  }
}

/** The reason that the server gives, if it is a sentence. */
async function refusal(response: Response): Promise<string> {
  const text = (await response.text()).trim();
  return text.length > 0 && text.length < 200 && !text.startsWith('<')
    ? text
    : `the server answered ${response.status}.`;
}
