// vCPUs that share a hart, as a debugger shows them: each is a thread with its own registers, whether it has the hart or not.
import assert from 'node:assert/strict';
import { runCommand } from '../../src/debugger/inspection/console-commands';
import type { Target } from '../../src/debugger/target';
import { SessionLab } from '../support/session-lab';
import { sbi } from '../support/multi-hart';

const HSM = 0x48534d;
const IPI = 0x735049;

/** vCPUs 1 and 2 are started; 0 and 1 count for ever, and 2 waits for an IPI from 0, which that sends when s6 is not 0. */
const PROGRAM = `
  li s0, 0
  li a0, 1
  la a1, other
  ${sbi(HSM, 0)}
  li a0, 2
  la a1, other
  ${sbi(HSM, 0)}
  li s6, 0
  j enter
other: mv s0, a0
enter:
  li t0, 3 << 13
  csrs sstatus, t0
  addi t0, s0, 100
  fmv.d.x f9, t0
  csrw fcsr, s0
  li t0, 2
  beq s0, t0, sleeper
  li s5, 0
count:
  addi s5, s5, 1
  beqz s6, count
  li a0, 4
  li a1, 0
  ${sbi(IPI, 0)}
  li s6, 0
wait: la t0, flag
  ld t1, 0(t0)
  beqz t1, wait
passed: j count
sleeper:
  csrwi sie, 2
asleep: wfi
awake: csrwi sip, 0
  la t0, flag
  sd s0, 0(t0)
  j asleep
  .balign 4096
flag: .dword 0
`;

const S0 = 8;
const S5 = 21;
const S6 = 22;

describe('vCPUs that share a hart, to a debugger', function () {
  this.timeout(60_000);

  async function start(harts = 1): Promise<{ lab: SessionLab; targets: readonly Target[]; at(name: string): bigint }> {
    const lab = new SessionLab(PROGRAM, { harts, timeSlice: 1000, stopOnEntry: true }, { vcpus: 3 });
    await lab.stop(() => lab.start());
    await runTo(lab, lab.labels.get('count')!, '$hart == 0 && $s5 > 3000');
    return { lab, targets: lab.session.targets, at: (name) => lab.labels.get(name)! };
  }

  /** Runs until one of them is at a label. */
  async function runTo(lab: SessionLab, at: bigint, condition: string) {
    const { session } = lab;
    session.breakpoints.setInstructions([{ address: at, condition }]);
    const stop = await lab.stop(() => session.continue());
    session.breakpoints.setInstructions([]);
    return stop;
  }

  const step = async (lab: SessionLab, target: Target) =>
    (await lab.stop(() => lab.session.step(target, 'into', 'instruction'))).target;

  it('are threads with registers of their own, and a stop names the one that is there', async () => {
    const { lab, targets, at } = await start();
    for (const vcpu of [1, 0, 1]) {
      const { target, reason } = await runTo(lab, at('count'), `$hart == ${vcpu} && $s5 > 5000`);
      assert.deepEqual([target.name, reason.kind], [`lab, vCPU ${vcpu}`, 'breakpoint']);
      for (const [index, each] of targets.entries()) {
        assert.equal(each.x(S0), BigInt(index));
        assert.equal(each.f(9), BigInt(index + 100));
      }
    }
    assert.equal(targets[2]!.pc, at('awake'));
  });

  it('are stepped, which gives them the hart, one instruction at a time whatever the slices are', async () => {
    for (const harts of [1, 2]) {
      const { lab, targets, at } = await start(harts);
      await runTo(lab, at('count'), '$hart == 1 && $s5 > 3000');
      for (const target of [targets[0]!, targets[1]!]) {
        for (let steps = 0; steps < 1500; steps++) {
          const [pc, count] = [target.pc, target.x(S5)];
          assert.equal(await step(lab, target), target);
          const isAdd = pc === at('count');
          assert.equal(target.pc, isAdd ? pc + 4n : at('count'));
          assert.equal(target.x(S5), isAdd ? count + 1n : count);
        }
      }
    }
  });

  it('are changed where they stand, and what they do follows from it', async () => {
    const { lab, targets, at } = await start();
    await runTo(lab, at('count'), '$hart == 1 && $s5 > 2000');
    const [first, , sleeper] = targets as [Target, Target, Target];
    first.setX(S6, 1n);
    first.setF(9, 5n);
    const woken = await runTo(lab, at('awake'), '$hart == 2');
    assert.equal(woken.target, sleeper);
    const passed = await runTo(lab, at('passed'), '$hart == 0');
    assert.deepEqual([passed.target, first.f(9), sleeper.f(9)], [first, 5n, 102n]);
  });

  it('are stepped through a wait for another one that shares the hart', async () => {
    const { lab, targets, at } = await start();
    const [first] = targets as [Target];
    await runTo(lab, at('count'), '$hart == 1 && $s5 > 2000');
    first.setX(S6, 1n);
    await runTo(lab, at('wait'), '$hart == 0');
    for (let steps = 0; first.pc !== at('passed'); steps++) {
      assert.ok(steps < 20_000, `at 0x${first.pc.toString(16)}`);
      await step(lab, first);
    }
  });

  it('are stepped when what they wait for has come', async () => {
    const { lab, targets, at } = await start();
    const [first, , sleeper] = targets as [Target, Target, Target];
    await runTo(lab, at('count'), '$hart == 1 && $s5 > 2000');
    first.setX(S6, 1n);
    assert.equal(sleeper.pc, at('awake'), 'wfi is done, and it waits');
    assert.equal(await step(lab, sleeper), sleeper);
    assert.equal(sleeper.pc, at('awake') + 4n);
  });

  it('are held, with their guest, while others go on, and let go', async () => {
    const { options } = new SessionLab(PROGRAM, {});
    const [guest] = options.guests;
    const guests = ['one', 'two'].map((name) => ({ ...guest!, name, vcpus: 3 }));
    const lab = new SessionLab(PROGRAM, { guests, harts: 1, stopOnEntry: true });
    await lab.stop(() => lab.start());
    const { session } = lab;
    const [one, two] = [session.targets[0]!, session.targets[3]!];
    const at = lab.labels.get('count')!;
    await runTo(lab, at, '$hart == 0 && $s5 > 3000');
    assert.equal(runCommand(session, undefined, 'hold one'), 'Guest one is held. Held: one.');
    const before = one.x(S5);
    for (const count of [100_000n, 200_000n]) {
      const { target } = await runTo(lab, at, `$hart == 0 && $s5 > ${two.x(S5) + count}`);
      assert.equal(target, two);
    }
    assert.equal(one.x(S5), before);
    assert.throws(
      () => session.step(one, 'into', 'instruction'),
      /Guest one is held, and executes nothing; release it first/,
    );
    assert.throws(() => runCommand(session, undefined, 'hold three'), /no guest "three"; there is one, two\./);
    assert.equal(runCommand(session, undefined, 'release one'), 'Guest one goes on with the others. No guest is held.');
    const { target } = await runTo(lab, at, `$hart == 0 && $s5 > ${before} && guest == "one"`);
    assert.equal(target, one);
  });
});
