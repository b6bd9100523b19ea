// Guests on one network: they reach each other, and no other's gateway.
import assert from 'node:assert/strict';
import { GUEST, PacketGuest } from '../../../test/support/network-guest';
import { restoreState, saveState } from '../../engine/state-transfer';
import { GATEWAY_MAC } from './addresses';
import { Gateway } from './gateway';
import { Lan } from './lan';
import { ETHER_TYPE, writeFrame } from './packets';

const mac = (last: number) => [0x52, 0x54, 0, 0, 0, last];
const ALL = [255, 255, 255, 255, 255, 255];

function setUp(guests: number) {
  const lan = new Lan();
  const gateways = Array.from({ length: guests }, (_, index) => {
    const gateway = new Gateway({ client: [10, 0, 2, 15 + index], lan });
    return { gateway, guest: new PacketGuest(gateway) };
  });
  const send = (
    from: number,
    destination: readonly number[],
    type = 0x1234,
    payload = new Uint8Array(60),
    source = mac(from),
  ) => gateways[from].gateway.send(writeFrame({ destination, source, type, payload }));
  const got = () => gateways.map(({ guest }) => guest.frames.splice(0).length);
  return { lan, gateways, send, got };
}

describe('Lan', () => {
  it('floods until it has learnt who is where', () => {
    const { send, got } = setUp(3);
    send(0, mac(1));
    assert.deepEqual(got(), [0, 1, 1]);
    send(1, mac(0));
    assert.deepEqual(got(), [1, 0, 0]);
    send(0, mac(1));
    assert.deepEqual(got(), [0, 1, 0]);
    send(2, ALL);
    assert.deepEqual(got(), [1, 1, 0]);
    send(1, mac(1));
    assert.deepEqual(got(), [0, 0, 0], 'to itself');
    send(0, mac(1), 0x1234, new Uint8Array(60), mac(2));
    send(1, mac(2));
    assert.deepEqual(got(), [1, 1, 0], 'an address that moved');
  });

  it('keeps what is for the gateway from the others, and lets nobody speak for it', () => {
    const { gateways, send, got } = setUp(2);
    const question = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, ...mac(0), ...GUEST, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2);
    send(0, ALL, ETHER_TYPE.arp, question);
    assert.deepEqual(got(), [1, 0]);
    question[27] = 16;
    send(0, ALL, ETHER_TYPE.arp, question);
    assert.deepEqual(got(), [0, 1]);
    send(0, GATEWAY_MAC);
    send(0, mac(1), 0x1234, new Uint8Array(60), [...GATEWAY_MAC]);
    send(0, mac(1), 0x1234, new Uint8Array(60), [0xff, 1, 2, 3, 4, 5]);
    gateways[0].gateway.send(new Uint8Array(5));
    assert.deepEqual(got(), [0, 0]);
  });

  it('remembers so many addresses, also in a snapshot', () => {
    const { lan, send, got } = setUp(2);
    for (let i = 0; i < 3000; i++) send(0, mac(9), 0x1234, new Uint8Array(60), [2, 0, 0, 0, i >> 8, i & 255]);
    got();
    send(1, [2, 0, 0, 0, 2999 >> 8, 2999 & 255]);
    assert.deepEqual(got(), [1, 0]);
    const other = new Lan();
    restoreState(other, saveState(lan));
    assert.deepEqual(saveState(other), saveState(lan));
  });
});
