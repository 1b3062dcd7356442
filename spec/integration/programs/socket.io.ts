/** socket.io by websockets: a socket stays in the thread that has accepted it, and an adapter carries rooms to the others. */
import * as assert from 'uvu/assert';
import { ask } from '../../support/programs/ask.js';
import { compare } from '../../support/programs/compare.js';
import { socketIoChecks } from '../../support/programs/socket-io.js';

compare('socket.io', {
  'plain requests and the client that the server brings': async (url) => {
    const answers = [await ask(`${url}/`), await ask(`${url}/socket.io/socket.io.js`)];
    assert.equal(
      answers.map(({ status }) => status),
      [200, 200],
    );
    return answers;
  },
  'requests that socket.io refuses': async (url) => [
    await ask(`${url}/socket.io/`),
    await ask(`${url}/socket.io/?EIO=4&transport=none`),
    await ask(`${url}/socket.io/?EIO=4&transport=polling&sid=unknown`),
    await ask(`${url}/socket.io/?EIO=4&transport=polling`, { method: 'PUT' }),
  ],
  ...socketIoChecks('websocket'),
});
