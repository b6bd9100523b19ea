// The output of several guests on one terminal.
import assert from 'node:assert/strict';
import { GuestLines } from './guest-lines';

describe('lines of several guests', () => {
  it('begin with the name of the guest, also when guests interrupt each other', () => {
    let shown = '';
    const lines = new GuestLines((bytes) => (shown += Buffer.from(bytes).toString()));
    const says = (guest: string, text: string) => lines.add(guest, Buffer.from(text));
    says('one', 'Hello\nwor');
    says('one', 'ld\n');
    says('two', 'login: ');
    says('one', 'x\n\n');
    says('two', 'root\n');
    assert.equal(shown, 'one| Hello\none| world\ntwo| login: \r\none| x\none| \ntwo+ root\n');
  });
});
