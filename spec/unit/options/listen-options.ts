/** What listen() takes, and what it refuses by name before anything is bound. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkListenOptions } from '../../../lib/options/listen-options.js';

function refused(list: readonly unknown[], message: RegExp): void {
  assert.throws(
    () => checkListenOptions(list),
    (error: { code: string; message: string }) =>
      error.code === 'PACELINE_OPTION' && message.test(error.message),
    `${JSON.stringify(list)} should be refused with ${message}`,
  );
}

test('an address is a port and a host, a path, or a descriptor', () => {
  const right = [{}, { port: 0 }, { host: '::1' }, { port: 1, host: 'a' }, { path: 'a.sock' }, { fd: 3 }];
  for (const options of right) checkListenOptions([options]);
  checkListenOptions(right);
  checkListenOptions([{ port: 1, path: undefined }]);
  for (const two of [
    { port: 1, path: 'a' },
    { host: 'a', path: 'a' },
    { path: 'a', fd: 3 },
    { port: 1, fd: 3 },
  ])
    refused([two], /^listen\(\) takes a port and a host, or a path, or a descriptor, and not two/);
});

test('values and names that there are not are refused', () => {
  for (const port of [-1, 65_536, 1.5, '8080', null])
    refused([{ port }], /^port must be a whole number from 0 to 65535, not /);
  for (const fd of [-1, 1.5, '3', null])
    refused([{ fd }], /^fd must be a whole number from 0 to 2147483647, not /);
  for (const name of ['host', 'path'])
    for (const value of ['', 1, null]) refused([{ [name]: value }], new RegExp(`^${name} must be a text`));
  refused([{ prot: 1 }], /^there is no option of listen\(\) "prot"; did you mean port\?$/);
  for (const options of [8080, null, 'a.sock'])
    refused([options], /^listen\(\) takes an object, as in listen\(\{ port: 8080 \}\), not /);
});

test('there are 1 to 16 addresses, and no descriptor is among them twice', () => {
  const addresses = (count: number) => new Array(count).fill({ port: 0 });
  checkListenOptions(addresses(16));
  refused(addresses(17), /^listen\(\) takes 1 to 16 addresses, not 17$/);
  refused([], /^listen\(\) takes 1 to 16 addresses, not 0$/);
  refused([{ fd: 5 }, { port: 0 }, { fd: 5 }], /^listen\(\) has got the descriptor 5 twice/);
});

test.run();
