/** How the hypervisor gets its harts: from the built-in firmware, or from M-mode code that runs first. */
import type { BootProgram } from '../machine/boot';
import type { Hart } from '../machine/hart';
import type { Machine } from '../machine/machine';
import type { Trap } from '../machine/traps';
import { CSR } from '../machine/csr-numbers';
import { makeSatp, sv39 } from '../machine/paging';
import { PAGE_SIZE } from './addresses';
import { EXTERNAL_INTERRUPT, SOFTWARE_INTERRUPT, TIMER_INTERRUPT } from './guest-csrs';
import type { HartSchedule } from './hart-schedule';
import { HostSbi } from './host-sbi';
import { HYPERVISOR_BASE, TRAMPOLINE } from './layout';

/** What stands for the hypervisor's code, for those who start it: it is TypeScript. */
const OWN_IMAGE: BootProgram = {
  entry: BigInt(HYPERVISOR_BASE),
  segments: [{ address: HYPERVISOR_BASE, data: new Uint8Array(4), memorySize: PAGE_SIZE }],
};
/** Interrupts that take the hart out of a guest. */
const HOST_INTERRUPTS = [SOFTWARE_INTERRUPT, TIMER_INTERRUPT, EXTERNAL_INTERRUPT];
/** Firmware that has not started the hypervisor by then does not mean to: OpenSBI takes about five million. */
const MOST_FIRMWARE_INSTRUCTIONS = 200_000_000;
const FIRMWARE_SLICE = 1_000_000;
/** Misaligned address, access fault and illegal instruction. */
const FETCH_CAUSES: readonly bigint[] = [0n, 1n, 2n];
const M_MODE = 3;

/** The built-in firmware enters the hypervisor on these harts. They are in S-mode then. */
export function startOverBuiltIn(machine: Machine, harts: readonly Hart[]): void {
  const firmware = machine.firmware ?? machine.startFirmware();
  for (const hart of harts) {
    firmware.start(hart, { entry: BigInt(HYPERVISOR_BASE), a0: BigInt(hart.index), a1: 0n });
  }
}

/** A hart in S-mode becomes the hypervisor's. @param onTrap handles traps out of guests */
export function takeOver({ hart, tables, vcpus }: HartSchedule, onTrap: (trap: Trap) => void): void {
  const { csrs } = hart;
  csrs.write(CSR.stvec, TRAMPOLINE);
  csrs.write(CSR.satp, makeSatp(sv39, tables.root));
  csrs.write(
    CSR.sie,
    HOST_INTERRUPTS.reduce((bits, interrupt) => bits | (1n << BigInt(interrupt)), 0n),
  );
  hart.supervisor = onTrap;
  for (const vcpu of vcpus) vcpu.float.begin(vcpu.isOnHart);
}

/** Firmware that does not do what the hypervisor needs. */
export class FirmwareError extends Error {}

/** What becomes of harts once the hypervisor has them from firmware in M-mode. */
export interface HartEvents {
  /** Firmware hands a trap on that it took. */
  onTrap(hart: Hart, trap: Trap): void;
  /** Firmware has answered the calls that were made for the hart. */
  onReturn(hart: Hart): void;
}

/**
 * Runs firmware in M-mode until it has started the hypervisor on one hart, and for that one on all the others that are needed.
 * All of them are in S-mode then, and stopped.
 * @returns the SBI below, by hart
 * @throws FirmwareError in a user's words when the firmware does not
 */
export function startOver(
  machine: Machine,
  firmware: BootProgram,
  harts: readonly Hart[],
  events: HartEvents,
): readonly HostSbi[] {
  const { deviceTree } = machine.boot({ program: OWN_IMAGE, mode: 'supervisor', firmware });
  const missing = new Set<Hart>(harts);
  let first: HostSbi | undefined;
  let isReady = false;
  /** A hart has nothing more to do in firmware. */
  const arrive = (hart: Hart): void => {
    hart.stop();
    isReady = missing.size === 0 && !first?.isWanted && !first?.isAnswering;
    if (isReady || first?.refusal !== undefined) machine.requestStop();
  };
  const start = (sbi: HostSbi): void => {
    missing.delete(sbi.hart);
    if (!first) {
      first = sbi;
      for (const { index } of missing) sbi.startHart(index, BigInt(HYPERVISOR_BASE));
    }
    if (sbi.isWanted) sbi.make();
    else arrive(sbi.hart);
  };
  const all = machine.harts.map((hart) => {
    const sbi: HostSbi = new HostSbi(hart, TRAMPOLINE, {
      onStart: () => start(sbi),
      onTrap: (trap) => events.onTrap(hart, trap),
      onReturn: () => (isReady ? events.onReturn(hart) : arrive(hart)),
    });
    return sbi;
  });
  runFirmware(machine);
  if (!isReady) throw new FirmwareError(reason(first, missing));
  // It was the firmware's, and may lie in a guest's memory.
  machine.memory.fill(deviceTree.start, deviceTree.end - deviceTree.start, 0);
  return all;
}

/** Until the machine is asked to stop, or nothing more is to be expected of it. */
function runFirmware(machine: Machine): void {
  for (let left = MOST_FIRMWARE_INSTRUCTIONS; left > 0;) {
    const { instructions } = machine;
    const { kind } = machine.run(Math.min(left, FIRMWARE_SLICE));
    if (kind !== 'limit' && kind !== 'waiting') return;
    if (machine.harts.every((hart) => hart.isStopped || trapsForEver(hart))) return;
    left -= kind === 'limit' ? FIRMWARE_SLICE : machine.instructions - instructions;
  }
}

/** Whether the first instruction of the trap handler traps itself. So does what is no program, which takes long to do nothing. */
function trapsForEver({ state, csrs }: Hart): boolean {
  const { pc, privilege } = state;
  const [handler, from, cause] = [csrs.read(CSR.mtvec) & ~3n, csrs.read(CSR.mepc), csrs.read(CSR.mcause)];
  return privilege === M_MODE && pc === handler && pc === from && FETCH_CAUSES.includes(cause);
}

function reason(first: HostSbi | undefined, missing: ReadonlySet<Hart>): string {
  const address = `0x${HYPERVISOR_BASE.toString(16)}`;
  if (!first) {
    return (
      `The firmware does not start the hypervisor at ${address}, where OpenSBI's fw_jump and fw_dynamic ` +
      'start what they are built for; use one that does.'
    );
  }
  const names = [...missing].map(({ index }) => index).join(', ');
  const answer = first.refusal === undefined ? 'does not start' : `refuses (SBI error ${first.refusal}) to start`;
  return (
    `The firmware ${answer} the hypervisor on hart ${names}, which SBI call HSM 0 asks for; ` +
    'use one that does, or set "machine.harts" to 1.'
  );
}
