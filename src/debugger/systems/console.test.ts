// A port as a console.
import assert from 'node:assert/strict';
import { Uart } from '../../machine/devices/uart';
import { makeConsole } from './console';

describe('a console', () => {
  it('takes input until too much waits, and then all or nothing', () => {
    const uart = new Uart();
    const console = makeConsole('serial', uart);
    const paste = Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 7);
    for (let count = 0; count < 33; count++) assert.equal(console.receive(paste), true);
    assert.equal(console.waiting, 33_000_000);
    assert.equal(console.receive(paste), false);
    assert.equal(console.waiting, 33_000_000);
    for (const byte of paste) if (uart.takeByte() !== byte) assert.fail('a byte is another one');
    assert.equal(console.receive(paste), true);
  });
});
