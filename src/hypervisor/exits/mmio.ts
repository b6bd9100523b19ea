/** The guest's loads and stores at its devices: decoded, and carried out on the device that the hypervisor emulates. */
import type { Access } from '../../engine/host';
import type { Decoded } from '../../isa/instruction';
import type { Action } from '../../isa/semantics';
import type { Device } from '../../machine/devices/device';
import type { Gpa } from '../addresses';
import { PAGE_SIZE } from '../addresses';
import type { Vcpu } from '../vcpu';
import { fetchInstruction } from './fetch';
import type { AnyExit, Exit } from './exit';
import { accessFault, accessName } from './inject';

type Transfer = Extract<Action, { k: 'load' | 'store' | 'float-load' | 'float-store' }>;

/** Above a single-precision value in a floating-point register (Unprivileged 21.2). */
const BOX = 0xffff_ffff_0000_0000n;
const DIRTY = 3;

function isTransfer(action: Action): action is Transfer {
  return action.k === 'load' || action.k === 'store' || action.k === 'float-load' || action.k === 'float-store';
}

/**
 * The exit for an access at a device of the guest.
 * @param markAccess sets the A and D bits that the access sets in the guest's page table
 */
export function mmioAccess(vcpu: Vcpu, access: Access, gva: bigint, gpa: Gpa, markAccess: () => void): AnyExit {
  const word = fetchInstruction(vcpu);
  const decoded = word === undefined ? undefined : vcpu.decode(word);
  const action = decoded?.instruction.action;
  const device = vcpu.guest.devices.bus.deviceAt(gpa);
  const refuse = (reason: string): AnyExit =>
    accessFault(vcpu, access, gva, {
      gpa,
      ...(word !== undefined && { instruction: word }),
      reason: () => reason,
      before: markAccess,
    });

  if (!decoded || !action || !device) return refuse('The instruction that accessed the device cannot be read.');
  if (!isTransfer(action)) {
    return refuse(`The device ${device.name} takes loads and stores only, not ${decoded.instruction.name}.`);
  }
  const start = BigInt.asUintN(64, vcpu.x(decoded.rs1) + BigInt(decoded.imm));
  if (start !== gva || (gpa % PAGE_SIZE) + action.width > PAGE_SIZE) {
    return refuse(`The access at the device ${device.name} crosses into another page.`);
  }
  return new Mmio(vcpu, access, gva, gpa, device, decoded, action, markAccess);
}

class Mmio implements Exit<'mmio'> {
  readonly kind = 'mmio';

  constructor(
    private readonly vcpu: Vcpu,
    private readonly access: Access,
    private readonly gva: bigint,
    private readonly gpa: Gpa,
    private readonly device: Device,
    private readonly decoded: Decoded,
    private readonly action: Transfer,
    private readonly markAccess: () => void,
  ) {}

  get instruction(): number {
    return this.decoded.word;
  }

  get subject(): string {
    return this.device.name;
  }

  private get isLoad(): boolean {
    return this.action.k === 'load' || this.action.k === 'float-load';
  }

  private get isFloat(): boolean {
    return this.action.k === 'float-load' || this.action.k === 'float-store';
  }

  private get register(): number {
    return this.isLoad ? this.decoded.rd : this.decoded.rs2;
  }

  /** What a store stores: the low bytes of its register. */
  private get value(): bigint {
    const { vcpu, register, action } = this;
    return BigInt.asUintN(8 * action.width, this.isFloat ? vcpu.hart.state.f(register) : vcpu.x(register));
  }

  fields() {
    const { device, action, gpa } = this;
    return {
      device: device.name,
      gva: this.gva,
      gpa,
      offset: gpa - device.base,
      access: accessName(this.access),
      width: action.width,
      register: this.register,
      float: this.isFloat,
      ...(!this.isLoad && { value: this.value }),
    };
  }

  perform(): AnyExit | undefined {
    this.markAccess();
    const done = this.isLoad ? this.load() : this.store();
    if (done) {
      this.vcpu.skip(this.decoded.length);
      return undefined;
    }
    const { device, gpa, access, action } = this;
    const offset = (gpa - device.base).toString(16);
    return accessFault(this.vcpu, access, this.gva, {
      gpa,
      instruction: this.instruction,
      reason: () => `The device ${device.name} has nothing for ${action.width} bytes at offset 0x${offset}.`,
    });
  }

  private load(): boolean {
    const { vcpu, action, register } = this;
    const value = vcpu.guest.devices.bus.read(this.gpa, action.width);
    if (value === undefined) return false;
    if (action.k === 'float-load') {
      vcpu.hart.state.setF(register, action.width === 4 ? BOX | value : value);
      vcpu.csrs.floatingPoint.set(DIRTY);
    } else {
      const signed = action.k === 'load' && action.signed;
      vcpu.setX(register, signed ? BigInt.asUintN(64, BigInt.asIntN(8 * action.width, value)) : value);
    }
    return true;
  }

  private store(): boolean {
    return this.vcpu.guest.devices.bus.write(this.gpa, this.action.width, this.value);
  }
}
