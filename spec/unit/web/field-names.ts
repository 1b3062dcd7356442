import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nameIn, nameOf } from '../../../lib/web/field-names.js';

const CHARACTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_'];

test('a name is known by its spelling, and fields of one name by its lower case', () => {
  for (const given of ['Accept', 'accept', 'ACCEPT']) {
    const name = nameOf(given)!;
    assert.is(name, nameOf(given));
    assert.is(name, nameIn(`x ${given}: y`, 2, 2 + given.length));
    assert.equal([name.given, name.lower, name.prefix], [given, 'accept', 'accept: ']);
  }
  for (const wrong of ['', 'a b', 'a:', 'a\r\n', '\xe9', '\u212a']) assert.is(nameOf(wrong), null);
});

test('the fields of the runtime and of proxies are known', () => {
  const special = ['Connection', 'date', 'Content-Length', 'TE', 'proxy-connection', 'Proxy-Authenticate'];
  for (const given of special) {
    assert.is(nameOf(given)!.special, true, given);
    assert.is(nameOf(given)!.owned, given !== 'Proxy-Authenticate', given);
  }
  for (const given of ['content-type', 'proxy', 'location']) assert.is(nameOf(given)!.special, false, given);
});

test('names that share a place in the table are told apart, also when one starts with the other', () => {
  for (const first of CHARACTERS) {
    for (const last of CHARACTERS) {
      for (const given of [`x${first}${last}`, 'x', `x${first}`]) {
        assert.is(nameIn(`${given}:`, 0, given.length).given, given);
        assert.is(nameOf(given)!.given, given);
      }
    }
  }
});

test('names of any length are taken', () => {
  for (const length of [1, 63, 64, 65, 5000]) {
    const given = 'X'.repeat(length);
    assert.is(nameIn(`${given}: y`, 0, length).lower, given.toLowerCase());
  }
});

test.run();
