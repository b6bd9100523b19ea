/**
 * A machine with a hostile guest, and what must stay as it is around it. The guest's tables, code, registers and CSRs are made
 * anew again and again; after each stretch of it, all that the hypervisor promises is checked.
 */
import { checkDerivation } from '../../../src/hypervisor/derivation';
import type { Guest } from '../../../src/hypervisor/guest';
import { Hypervisor } from '../../../src/hypervisor/hypervisor';
import { checkHypervisor } from '../../../src/hypervisor/isolation';
import type { Synchronization } from '../../../src/hypervisor/shadow/shadow-page-tables';
import type { Vcpu } from '../../../src/hypervisor/vcpu';
import type { TranslatorMode } from '../../../src/engine/engine';
import type { ExtensionSwitches } from '../../../src/isa/extensions';
import { Machine } from '../../../src/machine/machine';
import type { VirtioVersion } from '../../../src/machine/extra-devices';
import type { Random } from '../../support/random';
import { HANDLER, word } from './code';
import { address, CODE, entry, MEMORY, satp, sbiExtension, TABLES, value } from './entries';
import { NeighbourCheck, neighbour } from './neighbour';
import { hostileDevices, makeRings } from './rings';

/** What is the same for all that one machine does. */
export interface Traits {
  readonly synchronization: Synchronization;
  readonly findsStaleTranslations: boolean;
  readonly translator: TranslatorMode;
  readonly shadowPages: number;
  readonly virtioVersion: VirtioVersion;
  readonly vcpus: number;
  /** With fewer than there are vCPUs, those share them, and the neighbour does, too. */
  readonly harts: number;
  readonly timeSlice: number;
  readonly stopsGuestTime: boolean;
  /** Whether its virtio devices are the machine's, passed through; else the hypervisor emulates them. */
  readonly passesThrough: boolean;
  /** Whether there is another guest. */
  readonly hasNeighbour: boolean;
  readonly extensions: ExtensionSwitches;
}

export function randomTraits(random: Random): Traits {
  const on = (): boolean => random.below(2) === 0;
  const vcpus = random.pick([1, 1, 2, 3]);
  const hasNeighbour = on();
  return {
    synchronization: random.pick(['sfence', 'sfence', 'write-protect']),
    findsStaleTranslations: on(),
    translator: random.pick(['off', 'eager', 'on']),
    shadowPages: random.pick([24, 28, 64, 400]),
    virtioVersion: random.pick(['legacy', 'modern']),
    vcpus,
    harts: 1 + random.below(vcpus + (hasNeighbour ? 1 : 0)),
    timeSlice: random.pick([1000, 1000, 20_000]),
    stopsGuestTime: random.below(4) === 0,
    passesThrough: on(),
    hasNeighbour,
    extensions: { Svnapot: on(), Svpbmt: on(), Svinval: on(), Svade: on(), Zicbom: on(), Zicboz: on(), Sstc: on() },
  };
}

const GUEST_HPA = 0x8800_0000;
const AFTER = { start: GUEST_HPA + MEMORY.size, size: 0x40_0000 } as const;
const FIRMWARE = { start: 0x8000_0000, size: 0x20_0000 } as const;
const NEIGHBOUR_END = GUEST_HPA + 0x0800_0000 + 0x40_0000;
const PATTERN = 0xa5;
const STRETCHES = 20;
/** Instructions of a stretch. */
const STRETCH = 150;
const A7 = 17;

/** Something that must not happen. */
export class Escape extends Error {}

export class HostileGuest {
  readonly machine: Machine;
  readonly hypervisor: Hypervisor;
  private readonly neighbour: NeighbourCheck | undefined;
  private readonly virtioVersion: VirtioVersion;
  private readonly devices: number;
  /** What lies around the guest: where, and what it must stay. */
  private readonly around: readonly { readonly start: number; readonly bytes: Uint8Array }[];

  constructor(
    private readonly random: Random,
    traits: Traits,
  ) {
    const { extensions, translator, virtioVersion, vcpus, harts, passesThrough, hasNeighbour, ...options } = traits;
    this.virtioVersion = virtioVersion;
    // The neighbour's memory begins at the next multiple of 128 MiB.
    const memoryBytes = hasNeighbour ? NEIGHBOUR_END - FIRMWARE.start : AFTER.start + AFTER.size - FIRMWARE.start;
    const segments = [{ address: CODE.base, data: HANDLER, memorySize: HANDLER.length }];
    const program = { entry: BigInt(CODE.base), segments };
    const devices = { virtio: hostileDevices(), virtioVersion };
    this.devices = devices.virtio.length;
    this.machine = new Machine({ memoryBytes, extensions, translator, harts, ...(passesThrough && { devices }) });
    const passed = { passthrough: devices.virtio.map((_, slot) => slot) };
    const hostile = {
      name: 'hostile',
      vcpus,
      memoryBytes: MEMORY.size,
      program,
      ...(passesThrough ? passed : { devices }),
    };
    this.hypervisor = new Hypervisor(this.machine, {
      ...options,
      guests: [hostile, ...(hasNeighbour ? [neighbour] : [])],
    });
    const { memory } = this.machine;
    const [, beside] = this.hypervisor.guests;
    this.neighbour = beside && new NeighbourCheck(beside);
    memory.fill(AFTER.start, AFTER.size, PATTERN);
    const ranges = [FIRMWARE, AFTER, ...this.hypervisor.hostTables.map(({ root }) => ({ start: root, size: 4096 }))];
    this.around = ranges.map(({ start, size }) => ({ start, bytes: memory.bytes(start, size).slice() }));
  }

  get guest(): Guest {
    return this.hypervisor.guests[0];
  }

  /** The guest shut itself down: it is of no use any more. */
  get hasEnded(): boolean {
    return this.guest.ended !== undefined;
  }

  /** How far the guest beside it has come. */
  get neighbourProgress(): number {
    return this.neighbour?.progress ?? 0;
  }

  /** VM exits so far. */
  get exits(): number {
    return Object.values(this.guest.exitCounts).reduce((sum, count) => sum + count, 0);
  }

  /** New tables, code and state, or some of them, then a stretch of it. @throws Escape when a promise is broken */
  round(isThorough: boolean): void {
    this.scramble();
    for (let stretch = 0; stretch < STRETCHES && !this.hasEnded; stretch++) {
      const { inject } = this.guest.exitCounts;
      this.machine.run(STRETCH);
      // A guest that does nothing but trap, or waits, is set on its feet.
      const isLost = this.guest.exitCounts.inject - inject > STRETCH / 3;
      for (const vcpu of this.guest.vcpus) if (isLost || vcpu.hart.waiting) this.makeState(vcpu);
    }
    const problems = [...checkHypervisor(this.hypervisor), ...checkDerivation(this.guest)];
    if (problems.length > 0) throw new Escape(problems.join('\n'));
    const problem = this.neighbour?.problem(isThorough);
    if (problem !== undefined) throw new Escape(problem);
    if (isThorough) this.checkAround();
  }

  checkAround(): void {
    for (const { start, bytes } of this.around) {
      const now = this.machine.memory.bytes(start, bytes.length);
      if (Buffer.compare(now, bytes) === 0) continue;
      const at = now.findIndex((byte, i) => byte !== bytes[i]);
      throw new Escape(`The byte at 0x${(start + at).toString(16)}, which is not the guest's, was written.`);
    }
  }

  private scramble(): void {
    const { random, guest } = this;
    if (random.below(4) !== 0) this.makeTables();
    if (random.below(2) === 0) this.makeCode();
    if (random.below(3) === 0) for (const { index } of guest.vcpus) guest.shadow.fence(index, {});
    for (const vcpu of guest.vcpus) this.makeState(vcpu);
    if (random.below(2) === 0) makeRings(guest, random, this.virtioVersion, this.devices);
  }

  private makeTables(): void {
    const { random, guest } = this;
    const bytes = new Uint8Array(TABLES.pages * 4096);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length; i += 8) view.setBigUint64(i, entry(random), true);
    // Most tables map the code one to one, as a superpage of 1 GiB at index 2, and some the devices: else little would happen.
    for (let table = 0; table < TABLES.pages; table++) {
      if (random.below(5) !== 0) view.setBigUint64(table * 4096 + 16, (0x80000n << 10n) | 0xcfn, true);
      if (random.below(2) !== 0) view.setBigUint64(table * 4096, 0xc7n, true);
    }
    guest.memory.write(TABLES.base, bytes);
  }

  private makeCode(): void {
    const { random, guest } = this;
    const bytes = new Uint8Array(CODE.pages * 4096);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length; i += 4) view.setUint32(i, word(random), true);
    bytes.set(HANDLER);
    guest.memory.write(CODE.base, bytes);
  }

  private makeState(vcpu: Vcpu): void {
    const { random } = this;
    if (vcpu.isStopped) vcpu.start({ address: CODE.base, opaque: value(random) });
    vcpu.wake();
    for (let i = 1; i < 32; i++) vcpu.setX(i, value(random));
    vcpu.setX(A7, sbiExtension(random));
    for (const { number } of vcpu.listCsrs()) if (random.below(2) === 0) vcpu.writeCsr(number, value(random));
    vcpu.writeCsr(0x180, satp(random));
    vcpu.writeCsr(0x105, random.below(8) === 0 ? address(random) : BigInt(CODE.base));
    vcpu.setVirtualPrivilege(random.below(8) === 0 ? 0 : 1);
    vcpu.pc = BigInt(CODE.base + 256) + (random.bits(13) & ~3n);
    if (vcpu.isOnHart) vcpu.hart.waiting = false;
    else vcpu.schedule.notice();
  }
}
