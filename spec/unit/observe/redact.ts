/** What is shown of a request's query. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { redactQuery } from '../../../lib/observe/redact.js';

for (const [request, shown] of [
  ['', ''],
  ['GET /x', 'GET /x'],
  ['GET /x=y&z', 'GET /x=y&z'],
  ['GET /x?', 'GET /x?'],
  ['GET /x?token=secret', 'GET /x?token=*'],
  ['GET /x?token=', 'GET /x?token=*'],
  ['GET /x?a=1&b=2&&c', 'GET /x?a=*&b=*&&c'],
  ['GET /x?verbose', 'GET /x?verbose'],
  ['GET /x?no-cache&a=1', 'GET /x?no-cache&a=*'],
  ['GET /x?c2VjcmV0', 'GET /x?*'],
  ['GET /x?c2VjcmV0dA==', 'GET /x?*'],
  ['GET /x?f00d', 'GET /x?*'],
  ['GET /x?correcthorsebattery', 'GET /x?*'],
  ['GET /x?token%3Dsecret', 'GET /x?*'],
  ['GET /x?a=se=cr?et#x', 'GET /x?a=*'],
  ['GET /x?next=/y?token=secret&b=1', 'GET /x?next=*&b=*'],
  ['GET http://host/x?a=1', 'GET http://host/x?a=*'],
] as const) {
  test(`${request} is shown as ${shown}`, () => assert.is(redactQuery(request), shown));
}

test.run();
