// The SBI's calls, the odd ones above all: addresses outside memory, harts that are not there, numbers nobody knows.
import assert from 'node:assert/strict';
import { Random } from '../../test/support/random';
import type { SbiHartState, SbiPlatform } from './sbi-platform';
import { Sbi, describeSbiCall } from './sbi';
import { SBI_EXTENSIONS, sbiErrorName } from './sbi-table';

const BASE = 0x10n;
const TIME = 0x54494d45n;
const IPI = 0x735049n;
const RFENCE = 0x52464e43n;
const HSM = 0x48534dn;
const SRST = 0x53525354n;
const DBCN = 0x4442434en;
const ALL = 0xffff_ffff_ffff_ffffn;
const RAM = 0x80000000;
const RAM_SIZE = 4 << 20;

function setUp(harts = 1) {
  const memory = new Uint8Array(RAM_SIZE);
  const log: string[] = [];
  const input: number[] = [];
  const masks = new Map<bigint, bigint>();
  const states: SbiHartState[] = ['started', 'suspended', ...new Array<SbiHartState>(6).fill('stopped')];
  const isMemory = (address: number, length: number) => address >= RAM && address + length <= RAM + RAM_SIZE;
  const platform: SbiPlatform = {
    hartCount: harts,
    hartId: 0,
    identity: { mvendorid: 1n, marchid: 2n, mimpid: 3n },
    setTimer: (stime) => log.push(`timer ${stime}`),
    hartState: (hart) => states[hart],
    startHart: (hart, { address, opaque }) => log.push(`start ${hart} 0x${address.toString(16)} ${opaque}`),
    stopHart: () => log.push('stop'),
    suspendHart: (resume) => log.push(resume ? `suspend 0x${resume.address.toString(16)} ${resume.opaque}` : 'suspend'),
    setSoftwareInterrupt: (hart, on) => log.push(`software ${hart} ${on}`),
    fence: (hart, fence) =>
      log.push(
        fence.kind === 'fence.i'
          ? `fence.i ${hart}`
          : `sfence.vma ${hart} 0x${fence.start.toString(16)}+${fence.size} ${fence.asid ?? 'all'}`,
      ),
    putBytes: (bytes) =>
      log.push(bytes.length > 40 ? `put ${bytes.length} bytes` : `put ${new TextDecoder().decode(bytes)}`),
    getByte: () => input.shift() ?? -1,
    isMemory,
    readMemory: (address, length) =>
      isMemory(address, length) ? memory.subarray(address - RAM, address - RAM + length) : undefined,
    writeMemory(address, bytes) {
      if (!isMemory(address, bytes.length)) return false;
      memory.set(bytes, address - RAM);
      return true;
    },
    readHartMask: (address) => masks.get(address),
    reset: (kind, reason) => log.push(`reset ${kind} ${reason}`),
  };
  const sbi = new Sbi(platform);
  /** Calls with `a7`, `a6` and the arguments; the answer as text: value, error name, or legacy `a0`. */
  const ask = (extension: bigint, number: bigint, ...args: bigint[]) => {
    const a = [...args, ...new Array<bigint>(6 - args.length).fill(0n), number, extension];
    const answer = sbi.call(sbi.decode(a));
    if ('legacy' in answer) return BigInt.asIntN(64, answer.legacy).toString();
    return answer.error === 0n ? `0x${answer.value.toString(16)}` : sbiErrorName(answer.error)?.replace('SBI_ERR_', '');
  };
  const say = (text: string) => input.push(...new TextEncoder().encode(text));
  return { sbi, ask, log, memory, masks, say };
}

describe('Sbi: BASE', () => {
  it('names itself', () => {
    const { ask } = setUp();
    assert.deepEqual(
      [0n, 1n, 2n, 4n, 5n, 6n].map((number) => ask(BASE, number)),
      ['0x2000000', '0x48504f43', '0x1', '0x1', '0x2', '0x3'],
    );
  });

  it('probes what it offers', () => {
    const { ask } = setUp();
    const offered = [0n, 1n, 2n, 8n, BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN];
    assert.deepEqual(new Set(offered.map((id) => ask(BASE, 3n, id))), new Set(['0x1']));
    assert.deepEqual(new Set([0x504d55n, 9n, 0x12345678n, ALL].map((id) => ask(BASE, 3n, id))), new Set(['0x0']));
  });
});

describe('Sbi: unknown calls', () => {
  it('are not supported', () => {
    const { ask } = setUp();
    for (const [extension, number] of [
      [BASE, 7n],
      [BASE, ALL],
      [TIME, 1n],
      [RFENCE, 3n],
      [0x504d55n, 0n],
      [0x9n, 0n],
      [0xdeadbeefn, 0n],
      [ALL, ALL],
    ]) {
      assert.equal(ask(extension, number), 'NOT_SUPPORTED');
    }
  });

  it('are decoded as such', () => {
    const { sbi } = setUp();
    const call = sbi.decode([1n, 2n, 3n, 4n, 5n, 6n, 7n, 0x9n]);
    assert.deepEqual(call, {
      extension: 9,
      function: 7,
      args: [1n, 2n, 3n, 4n, 5n, 6n],
      legacy: false,
      name: 'sbi_unknown',
    });
    assert.equal(describeSbiCall(call), undefined);
  });
});

describe('Sbi: timer, interrupts, fences', () => {
  it('sets the timer, to any time', () => {
    const { ask, log } = setUp();
    assert.equal(ask(TIME, 0n, 5n), '0x0');
    assert.equal(ask(TIME, 0n, ALL), '0x0');
    assert.deepEqual(log, ['timer 5', `timer ${ALL}`]);
  });

  it('sends interrupts to the harts of a mask', () => {
    const { ask, log } = setUp(4);
    assert.equal(ask(IPI, 0n, 0b101n, 1n), '0x0');
    assert.deepEqual(log.splice(0), ['software 1 true', 'software 3 true']);
    assert.equal(ask(IPI, 0n, 0n, ALL), '0x0');
    assert.equal(log.splice(0).length, 4);
    assert.equal(ask(IPI, 0n, 0n, 0n), '0x0');
    assert.deepEqual(log, []);
  });

  it('refuses masks with a hart that is not there, and does nothing', () => {
    const { ask, log } = setUp();
    assert.equal(ask(IPI, 0n, 3n, 0n), 'INVALID_PARAM');
    assert.equal(ask(IPI, 0n, 1n, 1n), 'INVALID_PARAM');
    assert.equal(ask(IPI, 0n, 1n << 63n, ALL - 1n), 'INVALID_PARAM');
    assert.equal(ask(RFENCE, 0n, ALL, 0n), 'INVALID_PARAM');
    assert.deepEqual(log, []);
  });

  it('has harts execute fences', () => {
    const { ask, log } = setUp(2);
    assert.equal(ask(RFENCE, 0n, 1n, 0n), '0x0');
    assert.equal(ask(RFENCE, 1n, 2n, 0n, 0x1000n, 0x2000n), '0x0');
    assert.equal(ask(RFENCE, 2n, 1n, 0n, 0n, ALL, 7n), '0x0');
    assert.deepEqual(log, ['fence.i 0', 'sfence.vma 1 0x1000+8192 all', `sfence.vma 0 0x0+${ALL} 7`]);
  });
});

describe('Sbi: harts', () => {
  it('have states', () => {
    const { ask } = setUp(3);
    assert.deepEqual(
      [0n, 1n, 2n, 3n, ALL].map((hart) => ask(HSM, 2n, hart)),
      ['0x0', '0x4', '0x1', 'INVALID_PARAM', 'INVALID_PARAM'],
    );
  });

  it('are started where they can begin, and not twice', () => {
    const { ask, log } = setUp(3);
    assert.equal(ask(HSM, 0n, 2n, 0x80200000n, 7n), '0x0');
    for (const hart of [0n, 1n]) assert.equal(ask(HSM, 0n, hart, 0x80200000n, 0n), 'ALREADY_AVAILABLE');
    for (const hart of [3n, ALL]) assert.equal(ask(HSM, 0n, hart, 0x80200000n, 0n), 'INVALID_PARAM');
    for (const address of [0n, 0x7fff_fffen, 0x80200001n, 0x80400000n, ALL]) {
      assert.equal(ask(HSM, 0n, 2n, address, 0n), 'INVALID_ADDRESS');
    }
    assert.deepEqual(log, ['start 2 0x80200000 7']);
  });

  it('stop and suspend themselves', () => {
    const { ask, log } = setUp();
    assert.equal(ask(HSM, 1n), '0x0');
    assert.equal(ask(HSM, 3n, 0n, 0n, 0n), '0x0');
    assert.equal(ask(HSM, 3n, 0xffff_ffff_8000_0000n, 0x80200000n, 9n), '0x0');
    assert.equal(ask(HSM, 3n, 0x8000_0000n, 0x1000n, 9n), 'INVALID_ADDRESS');
    for (const reserved of [1n, 0x0fff_ffffn, 0x1000_0000n, 0x8000_0001n, 0x9000_0000n]) {
      assert.equal(ask(HSM, 3n, reserved, 0x80200000n, 0n), 'INVALID_PARAM');
    }
    assert.deepEqual(log, ['stop', 'suspend', 'suspend 0x80200000 9']);
  });
});

describe('Sbi: reset', () => {
  it('shuts down and reboots, with the reason', () => {
    const { ask, log } = setUp();
    ask(SRST, 0n, 0n, 0n);
    ask(SRST, 0n, 1n, 1n);
    ask(SRST, 0n, 2n, 0n);
    assert.deepEqual(log, ['reset shutdown 0', 'reset cold-reboot 1', 'reset warm-reboot 0']);
  });

  it('refuses other types and reasons', () => {
    const { ask, log } = setUp();
    assert.equal(ask(SRST, 0n, 3n, 0n), 'INVALID_PARAM');
    assert.equal(ask(SRST, 0n, 0xf000_0000n, 0n), 'INVALID_PARAM');
    assert.equal(ask(SRST, 0n, 0n, 2n), 'INVALID_PARAM');
    assert.equal(ask(SRST, 0n, 0n, 0xffff_ffffn), 'INVALID_PARAM');
    assert.deepEqual(log, []);
  });
});

describe('Sbi: debug console', () => {
  it('writes from memory', () => {
    const { ask, log, memory } = setUp();
    memory.set(new TextEncoder().encode('hello'), RAM_SIZE - 5);
    assert.equal(ask(DBCN, 0n, 5n, BigInt(RAM + RAM_SIZE - 5), 0n), '0x5');
    assert.deepEqual(log, ['put hello']);
  });

  it('refuses ranges outside memory, whatever their size', () => {
    const { ask, log, say } = setUp();
    say('input');
    for (const number of [0n, 1n]) {
      for (const [length, low, high] of [
        [1n, 0n, 0n],
        [6n, BigInt(RAM + RAM_SIZE - 5), 0n],
        [5n, BigInt(RAM - 1), 0n],
        [5n, BigInt(RAM), 1n],
        [ALL, BigInt(RAM), 0n],
        [ALL, ALL, ALL],
        [2n, ALL, 0n],
        [1n << 62n, BigInt(RAM), 0n],
        [0xffff_ffff_8000_0001n, BigInt(RAM), 0n],
      ]) {
        assert.equal(ask(DBCN, number, length, low, high), 'INVALID_PARAM');
      }
    }
    assert.deepEqual(log, []);
    assert.equal(ask(DBCN, 1n, 9n, BigInt(RAM), 0n), '0x5', 'the input is still there');
  });

  it('writes at most a mebibyte at once, and says so', () => {
    const { ask, log } = setUp();
    assert.equal(ask(DBCN, 0n, BigInt(RAM_SIZE), BigInt(RAM), 0n), '0x100000');
    assert.deepEqual(log, ['put 1048576 bytes']);
  });

  it('reads what waits', () => {
    const { ask, memory, say } = setUp();
    assert.equal(ask(DBCN, 1n, 4n, BigInt(RAM), 0n), '0x0');
    say('abcdef');
    assert.equal(ask(DBCN, 1n, 4n, BigInt(RAM), 0n), '0x4');
    assert.equal(ask(DBCN, 1n, 4n, BigInt(RAM + 4), 0n), '0x2');
    assert.equal(new TextDecoder().decode(memory.subarray(0, 7)), 'abcdef\0');
  });

  it('moves nothing when nothing is asked for', () => {
    const { ask, log } = setUp();
    assert.equal(ask(DBCN, 0n, 0n, 0n, 0n), '0x0');
    assert.equal(ask(DBCN, 1n, 0n, ALL, ALL), '0x0');
    assert.deepEqual(log, []);
  });

  it('writes a byte', () => {
    const { ask, log } = setUp();
    assert.equal(ask(DBCN, 2n, 0xffff_ff41n), '0x0');
    assert.deepEqual(log, ['put A']);
  });
});

describe('Sbi: legacy calls', () => {
  it('answer in a0, whatever a6 holds', () => {
    const { ask, log, say } = setUp();
    assert.equal(ask(0n, 99n, 7n), '0');
    assert.equal(ask(1n, ALL, 0x141n), '0');
    assert.equal(ask(2n, 0n), '-1');
    say('z');
    assert.equal(ask(2n, 0n), '122');
    assert.equal(ask(3n, 0n), '0');
    assert.equal(ask(8n, 0n), '0');
    assert.deepEqual(log, ['timer 7', 'put A', 'software 0 false', 'reset shutdown 0']);
  });

  it('read hart masks through virtual addresses; null means all', () => {
    const { ask, log, masks } = setUp(2);
    masks.set(0xffff_ffc0_0000_1000n, 2n);
    assert.equal(ask(4n, 0n, 0xffff_ffc0_0000_1000n), '0');
    assert.equal(ask(5n, 0n, 0xffff_ffc0_0000_1000n), '0');
    assert.equal(ask(6n, 0n, 0n, 0x1000n, 0x1000n), '0');
    assert.equal(ask(7n, 0n, 0xffff_ffc0_0000_1000n, 0x1000n, 0x1000n, 3n), '0');
    assert.deepEqual(log, [
      'software 1 true',
      'fence.i 1',
      'sfence.vma 0 0x1000+4096 all',
      'sfence.vma 1 0x1000+4096 all',
      'sfence.vma 1 0x1000+4096 3',
    ]);
  });

  it('refuse masks that cannot be read, or name harts that are not there', () => {
    const { ask, log, masks } = setUp();
    masks.set(8n, 2n);
    assert.equal(ask(4n, 0n, 16n), '-5');
    assert.equal(ask(4n, 0n, 8n), '-3');
    assert.deepEqual(log, []);
  });
});

describe('Sbi: description', () => {
  it('names the extension, the function and the arguments', () => {
    const { sbi } = setUp();
    const call = sbi.decode([0x1234n, 0n, 0n, 0n, 0n, 0n, 0n, TIME]);
    assert.equal(call.name, 'sbi_set_timer');
    const words = describeSbiCall(call)!;
    assert.equal(words.extension.name, 'TIME');
    assert.deepEqual(words.arguments, [{ name: 'stime_value', value: 0x1234n }]);
    assert.match(words.function.explanation, /timer interrupt/);
  });

  it('has a sentence for every function, and no number twice', () => {
    assert.equal(new Set(SBI_EXTENSIONS.map(({ id }) => id)).size, SBI_EXTENSIONS.length);
    for (const { functions } of SBI_EXTENSIONS) {
      assert.equal(new Set(functions.map(({ id }) => id)).size, functions.length);
      for (const { explanation } of functions) assert.match(explanation, /^[A-Z].*\.$/);
    }
  });
});

describe('Sbi under random calls', () => {
  it('always answers', () => {
    const random = new Random(3);
    const { sbi } = setUp(3);
    const extensions = [...SBI_EXTENSIONS.map(({ id }) => BigInt(id)), 9n, ALL];
    const values = [0n, 1n, 2n, BigInt(RAM), BigInt(RAM + RAM_SIZE - 1), 1n << 53n, 1n << 63n, ALL - 1n, ALL];
    for (let round = 0; round < 20_000; round++) {
      const a = Array.from({ length: 6 }, () => (random.below(3) > 0 ? random.pick(values) : random.bits(64)));
      const answer = sbi.call(sbi.decode([...a, BigInt(random.below(8)), random.pick(extensions)]));
      for (const value of Object.values(answer)) assert.equal(value, BigInt.asUintN(64, value));
    }
  });
});
