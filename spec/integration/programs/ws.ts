/** ws with two servers at one port, in the way of its own documentation. */
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { ask, together } from '../../support/programs/ask.js';
import { compare } from '../../support/programs/compare.js';
import { Socket } from '../../support/programs/socket.js';

const MIB = 1024 * 1024;
const MESSAGES = 50;
const AGENT = { headers: { 'user-agent': 'spec' } };

const address = (url: string, path: string): string => `${url.replace('http', 'ws')}${path}`;
const open = (url: string, options = {}): Promise<Socket> =>
  Socket.open(address(url, '/echo'), [], { ...AGENT, ...options });

compare('ws', {
  'messages of all sizes come back, from many sockets at once': async (url) => {
    const greetings = await together(16, async (index) => {
      await using socket = await open(url, { perMessageDeflate: index % 2 === 0 });
      const greeting = await socket.text();
      for (const size of [0, 1, 125, 126, 65_535, 65_536, 3 * MIB]) {
        const bytes = Buffer.alloc(size, 'paceline');
        socket.send(bytes);
        assert.is(Buffer.compare(await socket.bytes(), bytes), 0, `${size} bytes`);
      }
      for (let message = 0; message < MESSAGES; message++) socket.send(`message ${message}`);
      for (let message = 0; message < MESSAGES; message++)
        assert.is(await socket.text(), `message ${message}`);
      return { greeting, extensions: socket.client.extensions };
    });
    assert.match(greetings[0]!.greeting, '"agent":"spec"');
    return greetings;
  },

  'a message sent with the handshake is not lost': (url) =>
    together(8, async () => {
      const client = new WebSocket(address(url, '/echo'), AGENT);
      const messages: string[] = [];
      client.on('message', (data) => messages.push(String(data)));
      await once(client, 'open');
      client.send('at once');
      client.close(1000);
      await once(client, 'close');
      assert.ok(messages.length >= 1);
      return messages;
    }),

  'pings are answered, and both sides close with a code and a reason': async (url) => {
    const socket = await open(url);
    await socket.text();
    const pong = once(socket.client, 'pong');
    socket.client.ping('are you there?');
    assert.is(String((await pong)[0]), 'are you there?');
    socket.send('close me');
    const byServer = await socket.closed();
    assert.equal(byServer, [4001, 'as you like']);

    const other = await open(url);
    other.client.close(4002, 'enough');
    const byClient = await other.closed();

    const dropped = await open(url);
    await dropped.text();
    dropped.send('drop me');
    const [code] = await dropped.closed();
    assert.is(code, 1006);
    return [byServer, byClient, code];
  },

  'a message that is too large ends its connection alone': async (url) => {
    await using beside = await open(url);
    await beside.text();
    const socket = await open(url, { perMessageDeflate: false });
    await socket.text();
    socket.send(Buffer.alloc(17 * MIB));
    const [code] = await socket.closed();
    assert.is(code, 1009);
    beside.send('still here');
    assert.is(await beside.text(), 'still here');
  },

  'the app chooses a protocol': async (url) => {
    await using socket = await Socket.open(address(url, '/chat'), ['one', 'two']);
    assert.is(socket.client.protocol, 'two');
    socket.send('to all of this thread');
    assert.is(await socket.text(), 'to all of this thread');
  },

  'what is no upgrade or goes elsewhere is answered': async (url) => {
    const answers = [await ask(`${url}/echo`), await ask(`${url}/`)];
    assert.is(answers[0]!.body, 'no websocket at /echo\n');
    const refused = new WebSocket(address(url, '/none'));
    const [error] = (await once(refused, 'error')) as [Error];
    assert.match(error.message, '404');
    const old = new WebSocket(address(url, '/echo'), { ...AGENT, protocolVersion: 8 });
    await once(old, 'open');
    old.terminate();
    return [answers, error.message];
  },
});
