/** What `paceline dev` adds to a fetch app: clients are shown the errors of its handler, and pages notice the next version. */
import { type FailureAnswer, plainAnswer } from '../http/failure-answer.js';
import { errorPage, VERSION_PATH } from '../report/error-page.js';
import { errorRecord } from '../report/error-record.js';
import type { FetchApp } from '../web/context.js';

/** Each version is a process of its own. */
const VERSION = String(process.pid);

/** The app, beside the path where an error's page asks for the version. */
export function developed(app: FetchApp): FetchApp {
  return {
    fetch: (request, context) =>
      request.url.endsWith(VERSION_PATH)
        ? new Response(VERSION, { headers: { 'cache-control': 'no-store' } })
        : app.fetch(request, context),
  };
}

/** The error, as a page or text. */
export const pageAnswer: FailureAnswer = (error, request) => {
  try {
    const { type, body } = errorPage(errorRecord(error, { frame: true }), {
      title: 'A handler has failed',
      accept: request.headers.get('accept'),
      version: VERSION,
    });
    return {
      status: 500,
      statusText: '',
      headers: `content-type: ${type}\r\ncache-control: no-store\r\n`,
      contentLength: -1,
      close: false,
      body,
    };
  } catch {
    // The app may have put anything into the request's place.
    return plainAnswer(error, request);
  }
};
