/** Statistics and the log of VM exits: what they count, what they look like as text and as data, and that they only look. */
import assert from 'node:assert/strict';
import { exitCountData, loggedExitData } from '../../src/debugger/exits/exit-data';
import { parseExitQuery } from '../../src/debugger/exits/exit-query';
import { exitLogText, exitStatisticsText } from '../../src/debugger/exits/exit-text';
import { SymbolSpace } from '../../src/debugger/symbol-space';
import { ExitRecorder } from '../../src/hypervisor/insight/exit-recorder';
import type { ExitRecorderOptions } from '../../src/hypervisor/insight/exit-recorder';
import { ExitStatistics, MOST_SITES } from '../../src/hypervisor/insight/exit-statistics';
import type { SymbolFile } from '../../src/symbols/program';
import { fakeModule } from '../support/fake-symbols';
import { ENTRY, GuestLab } from '../support/guest-lab';

const SOURCE = `
  la t0, handler
  csrw stvec, t0
  li t1, 3
loop: csrw sscratch, t1
  csrr t2, sscratch
  addi t1, t1, -1
  bnez t1, loop
  csrr t0, mstatus
  la t0, data
  ld t0, 0(t0)
  j shutdown
  .align 2
handler: csrr t3, sepc
  addi t3, t3, 4
  csrw sepc, t3
  sret
  .align 12
data: nop
`;

/** The guest's own labels. */
const { symbols: labels } = new GuestLab(SOURCE);
const named = ['loop', 'handler', 'data', 'shutdown'].map((name) => ({ name, address: labels.get(name)! })).reverse();
const symbols = new SymbolSpace([
  fakeModule('lab', {
    code: { address: BigInt(ENTRY), bytes: new Uint8Array(0x2000) },
    symbolAt: (address) => {
      const found = named.find((label) => label.address <= address);
      return found && ({ name: found.name, offset: address - found.address } as ReturnType<SymbolFile['symbolAt']>);
    },
  }),
]);

/** A clock that goes on by 1 µs each time it is read. */
function clock(): () => number {
  let ticks = 0;
  return () => ticks++ / 1000;
}

function record(options: Partial<ExitRecorderOptions> = {}): { lab: GuestLab; recorder: ExitRecorder } {
  const lab = new GuestLab(SOURCE);
  lab.hypervisor.onExit = undefined;
  const recorder = new ExitRecorder({ logSize: 100, clock: clock(), ...options });
  lab.hypervisor.recorder = recorder;
  lab.finish();
  return { lab, recorder };
}

describe('statistics of VM exits', () => {
  it('as text', () => {
    const { lab, recorder } = record();
    assert.deepEqual(exitStatisticsText(recorder, lab.machine.instructions, symbols), [
      'lab: 14 VM exits in 28 instructions, one in 2, 14.0 µs on the host.',
      '                       count    share  repeated     time    each  longest',
      'csrWrite                   5   35.7 %         0   5.0 µs  1.0 µs   1.0 µs',
      '  sscratch                 3   21.4 %         0   3.0 µs  1.0 µs   1.0 µs',
      '  stvec                    1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      '  sepc                     1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      'csrRead                    4   28.6 %         0   4.0 µs  1.0 µs   1.0 µs',
      '  sscratch                 3   21.4 %         0   3.0 µs  1.0 µs   1.0 µs',
      '  sepc                     1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      'illegal                    1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      '  mstatus                  1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      'inject                     1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      '  Illegal instruction      1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      'sbiCall                    1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      '  sbi_shutdown             1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      'shadowFill                 1    7.1 %         1   1.0 µs  1.0 µs   1.0 µs',
      '  bare                     1    7.1 %         1   1.0 µs  1.0 µs   1.0 µs',
      'sret                       1    7.1 %         0   1.0 µs  1.0 µs   1.0 µs',
      'all                       14  100.0 %         1  14.0 µs  1.0 µs   1.0 µs',
      'Most frequent places:',
      '  0x80200010  3  csrWrite    loop',
      '  0x80200014  3  csrRead     loop+0x4',
      '  0x80200008  1  csrWrite',
      '  0x8020003c  1  csrWrite    handler+0x8',
      '  0x80200034  1  csrRead     handler',
      '  0x80200020  1  illegal     loop+0x10',
      '  0x80200020  1  inject      loop+0x10',
      '  0x80201008  1  sbiCall     shutdown+0x4',
      '  0x80200000  1  shadowFill',
      '  0x80200040  1  sret        handler+0xc',
    ]);
  });

  it('count the same in every run, with a clock and without', () => {
    const { recorder } = record();
    const { recorder: other } = record({ logSize: 0, clock: undefined });
    assert.deepEqual(exitCountData(other.guests, 10, symbols), exitCountData(recorder.guests, 10, symbols));
    assert.equal(other.guests[0]!.total.time, 0);
    assert.equal(other.log, undefined);
  });

  it('agree with the plain counters', () => {
    const { lab, recorder } = record();
    const counted = Object.entries(lab.guest.exitCounts).filter(([, count]) => count > 0);
    const kinds = recorder.guests[0]!.kinds.map(({ kind, count }) => [kind, count]);
    assert.deepEqual(new Map(kinds as [string, number][]), new Map(counted));
  });

  it('change nothing that the guest could notice', () => {
    const plain = new GuestLab(SOURCE);
    plain.hypervisor.onExit = undefined;
    plain.finish();
    const { lab } = record();
    assert.equal(lab.machine.instructions, plain.machine.instructions);
    for (let i = 1; i < 32; i++) assert.equal(lab.x(i), plain.x(i), `x${i}`);
  });

  it('are bounded, however many places have exits, and lose none', () => {
    const statistics = new ExitStatistics('guest');
    const total = 5 * MOST_SITES;
    for (let i = 0; i < total; i++) {
      statistics.add('mmio', `device ${i}`, BigInt(i), false, 0);
      statistics.add('mmio', 'serial', 7n, true, 1);
    }
    const [mmio] = statistics.kinds;
    assert.ok(mmio);
    assert.ok(mmio.sites.size <= 2 * MOST_SITES && mmio.subjects.size <= 513);
    assert.equal(mmio.sites.get(7n)?.count, total + 1, 'the place of most exits is kept');
    const sum = (costs: Iterable<{ count: number }>): number => [...costs].reduce((all, { count }) => all + count, 0);
    assert.equal(sum(mmio.sites.values()) + mmio.elsewhere.count, 2 * total);
    assert.equal(sum(mmio.subjects.values()), 2 * total);
  });
});

describe('the log of VM exits', () => {
  it('as text', () => {
    const { recorder } = record();
    assert.deepEqual(exitLogText(recorder.log!.last(9), recorder.isTimed, symbols), [
      '10      vS 0x80200014  1.0 µs  csrRead sscratch                        loop+0x4',
      '13  +3  vS 0x80200010  1.0 µs  csrWrite sscratch: 0x2 → 0x1            loop',
      '14  +1  vS 0x80200014  1.0 µs  csrRead sscratch                        loop+0x4',
      '17  +3  vS 0x80200020  1.0 µs  illegal mstatus                         loop+0x10',
      '17  +0  vS 0x80200020  1.0 µs  inject Illegal instruction              loop+0x10',
      '18  +1  vS 0x80200034  1.0 µs  csrRead sepc                            handler',
      '20  +2  vS 0x8020003c  1.0 µs  csrWrite sepc: 0x80200020 → 0x80200024  handler+0x8',
      '21  +1  vS 0x80200040  1.0 µs  sret to vS at 0x80200024                handler+0xc',
      '27  +6  vS 0x80201008  1.0 µs  sbiCall sbi_shutdown                    shutdown+0x4',
    ]);
    assert.deepEqual(exitLogText([], false, symbols), ['There is no such VM exit among those that are kept.']);
  });

  it('as data', () => {
    const { recorder } = record();
    const [exit] = recorder.log!.last(1, { kinds: new Set(['csrWrite']), subject: 'sscratch' });
    assert.deepEqual(loggedExitData(exit!, symbols), {
      index: 6,
      guest: 'lab',
      vcpu: 0,
      kind: 'csrWrite',
      mode: 'vS',
      instructions: 13,
      repeated: false,
      text: 'csrWrite sscratch: 0x2 → 0x1',
      pc: '0x80200010',
      symbol: 'loop',
      fields: {
        instruction: '0x14031073',
        csr: 'sscratch',
        csrNumber: 320,
        old: '0x2',
        new: '0x1',
        written: '0x1',
        rd: 0,
      },
    });
  });

  it('keeps the last ones only, of the kinds asked for', () => {
    const { recorder } = record({ logSize: 4 });
    const all = record().recorder.log!.last(100);
    assert.deepEqual(
      recorder.log!.last(100).map(({ record: { pc } }) => pc),
      all.slice(-4).map(({ record: { pc } }) => pc),
    );
    const writes = record({ logKinds: new Set(['csrWrite']) }).recorder.log!.last(100);
    assert.deepEqual(
      writes.map(({ index }) => index),
      all.filter(({ record: { kind } }) => kind === 'csrWrite').map(({ index }) => index),
    );
  });

  it('is asked for by number, kind, subject and place', () => {
    const { lab, recorder } = record();
    const ask = (text: string) => {
      const { most, filter } = parseExitQuery(text, recorder, (name) => lab.symbol(name));
      return recorder.log!.last(most, filter).map(({ record: { kind } }) => kind);
    };
    assert.deepEqual(ask('2 csrWRITE'), ['csrWrite', 'csrWrite']);
    assert.deepEqual(ask('sscratch 3'), ['csrRead', 'csrWrite', 'csrRead']);
    assert.deepEqual(ask('illegal instruction'), ['inject']);
    assert.deepEqual(ask('at loop'), ['csrWrite', 'csrWrite', 'csrWrite']);
    assert.deepEqual(ask('lab sret'), ['sret']);
    assert.throws(() => ask('nothing of this'), /No VM exit was about "nothing of this"/);
  });
});
