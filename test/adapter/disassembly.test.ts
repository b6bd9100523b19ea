// Disassembly as clients ask for it: exact numbers of rows, in phase, whatever the offset.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client } from './client';

type Row = DebugProtocol.DisassembledInstruction;

describe('debug adapter: disassembly', () => {
  let client: Client;
  let pc: bigint;

  before(async () => {
    client = await Client.start();
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    pc = BigInt((await client.stack(1))[0]!.instructionPointerReference!);
  });
  after(() => client.stop());

  async function rows(
    address: bigint,
    instructionOffset: number,
    instructionCount: number,
    offset = 0,
  ): Promise<Row[]> {
    const { instructions } = await client.request<{ instructions: Row[] }>('disassemble', {
      memoryReference: `0x${address.toString(16)}`,
      offset,
      instructionOffset,
      instructionCount,
    });
    assert.equal(instructions.length, instructionCount);
    const addresses = instructions.map((row) => BigInt(row.address));
    for (let index = 1; index < addresses.length; index++) {
      assert.ok(addresses[index]! > addresses[index - 1]! || addresses[index] === -1n, `row ${index} ascends`);
    }
    return instructions;
  }

  it('has the base where the offset says', async () => {
    for (const [offset, count] of [
      [0, 10],
      [-50, 100],
      [-1200, 1300],
      [-7, 8],
    ] as const) {
      const found = await rows(pc, offset, count);
      assert.equal(BigInt(found[-offset]!.address), pc, `offset ${offset}`);
    }
  });

  it('gives the same rows from every base, before and after it', async () => {
    const wide = await rows(pc, -200, 400);
    const expected = wide.map(({ address, instruction }) => `${address} ${instruction}`);
    for (const start of [120, 170, 199, 230]) {
      const base = BigInt(wide[start]!.address);
      const found = await rows(base, -50, 100);
      assert.deepEqual(
        found.map(({ address, instruction }) => `${address} ${instruction}`),
        expected.slice(start - 50, start + 50),
      );
    }
    const later = await rows(pc, 20, 30);
    assert.deepEqual(
      later.map(({ address }) => address),
      wide.slice(220, 250).map(({ address }) => address),
    );
    await rows(pc, -1200, 50);
  });

  it('names symbols, source files and lines', async () => {
    const found = await rows(pc, -60, 80);
    assert.ok(found.some(({ symbol }) => symbol === 'system_call_handler'));
    const row = found.find(({ address }) => BigInt(address) === pc)!;
    assert.ok(row.line! > 0);
    assert.ok(found.some(({ location }) => location?.path?.endsWith('system-calls.c')));
    assert.match(row.instructionBytes!, /^([0-9a-f]{2} ?){2,4}$/);
  });

  it('fills up where there is no memory and before address 0', async () => {
    const nothing = await rows(0n, -5, 10);
    assert.ok(nothing.every(({ presentationHint }) => presentationHint === 'invalid'));
    assert.equal(nothing[0]!.address, '-1');
    const edge = await rows(0x88000000n, -4, 8);
    assert.equal(edge.filter(({ presentationHint }) => presentationHint === 'invalid').length >= 4, true);
    const end = await rows(0xfffffffffffffffcn, 0, 5);
    assert.equal(end.at(-1)!.address, '-1');
  });

  it('answers requests that come at once', async () => {
    const [a, b] = await Promise.all([rows(pc, -50, 100), rows(pc, -50, 100)]);
    assert.deepEqual(a, b);
  });
});
