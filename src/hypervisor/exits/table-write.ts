/**
 * A write to one of the guest's page tables, which are write-protected: it is made for the guest, and what derives from the
 * entry is dropped. Instructions other than plain stores and AMOs the guest executes itself.
 */
import { evaluate } from '../../isa/evaluate';
import type { Decoded } from '../../isa/instruction';
import type { Action } from '../../isa/semantics';
import type { Gpa, Hpa } from '../addresses';
import type { Vcpu } from '../vcpu';
import { fetchInstruction } from './fetch';
import type { AnyExit, Exit } from './exit';

type Made = Extract<Action, { k: 'store' | 'atomic' }>;

/** The instruction, if the hypervisor can make the write for the guest. */
interface Write {
  readonly decoded: Decoded;
  readonly action: Made;
}

/**
 * The exit for a store of the guest to one of its tables.
 * @param markAccess sets the A and D bits that the access sets in the guest's page table
 */
export function tableWrite(vcpu: Vcpu, gva: bigint, gpa: Gpa, hpa: Hpa, markAccess: () => void): AnyExit {
  return new TableWrite(vcpu, gva, gpa, hpa, writeAt(vcpu, gva, hpa), markAccess);
}

function writeAt(vcpu: Vcpu, gva: bigint, hpa: Hpa): Write | undefined {
  const word = fetchInstruction(vcpu);
  const decoded = word === undefined ? undefined : vcpu.decode(word);
  const action = decoded?.instruction.action;
  if (!decoded || (action?.k !== 'store' && action?.k !== 'atomic')) return undefined;
  // The store begins there, and is not the part of one that lies in a second page: that part is up to seven bytes behind it.
  const start = (vcpu.xLow(decoded.rs1) + (action.k === 'store' ? decoded.imm : 0)) | 0;
  const isPlain = start === Number(BigInt.asIntN(32, gva)) && hpa % action.width === 0 && !vcpu.hart.isWatched(hpa);
  return isPlain ? { decoded, action } : undefined;
}

class TableWrite implements Exit<'tableWrite'> {
  readonly kind = 'tableWrite';

  constructor(
    private readonly vcpu: Vcpu,
    private readonly gva: bigint,
    private readonly gpa: Gpa,
    private readonly hpa: Hpa,
    private readonly write: Write | undefined,
    private readonly markAccess: () => void,
  ) {}

  get instruction(): number | undefined {
    return this.write?.decoded.word;
  }

  /** Of the doubleword that holds the bytes. */
  private get entryAddress(): Hpa {
    return this.hpa - (this.hpa % 8);
  }

  fields() {
    const { vcpu, write, gpa } = this;
    const before = vcpu.guest.dram.read64(this.entryAddress);
    return {
      gva: this.gva,
      gpa,
      hpa: this.hpa,
      entryAddress: gpa - (gpa % 8),
      entryBefore: before,
      ...(write && { entryAfter: this.entryAfter(write, before) }),
      dropped: vcpu.guest.shadow.protection?.countEntry(this.hpa) ?? 0,
      filled: write ? this.countFilled(this.entryAfter(write, before)) : 0,
    };
  }

  perform(): undefined {
    const { vcpu, write, hpa, entryAddress } = this;
    const { protection } = vcpu.guest.shadow;
    this.markAccess();
    if (!write) {
      protection?.release(hpa, vcpu.index, vcpu.pc);
      return;
    }
    const { decoded, action } = write;
    const { dram } = vcpu.guest;
    if (action.k === 'store' && action.width === 8) {
      dram.writeHalves(hpa, vcpu.xLow(decoded.rs2) >>> 0, vcpu.xHigh(decoded.rs2));
    } else {
      const before = dram.read64(entryAddress);
      dram.write64(entryAddress, this.entryAfter(write, before));
      if (action.k === 'atomic') vcpu.setX(decoded.rd, BigInt.asUintN(64, this.loaded(write, before)));
    }
    protection?.entryWritten(hpa);
    const [low, high] = [dram.read32(entryAddress), dram.read32(entryAddress + 4)];
    protection?.fillEntry(hpa, low, high, vcpu.view, vcpu.hart.mmu.rules);
    vcpu.skip(decoded.length);
  }

  private countFilled(entry: bigint): number {
    const { vcpu, hpa } = this;
    const [low, high] = [Number(entry & 0xffff_ffffn), Number(entry >> 32n)];
    return vcpu.guest.shadow.protection?.countFillings(hpa, low, high, vcpu.view, vcpu.hart.mmu.rules) ?? 0;
  }

  /** What is in the bytes of the access, signed. */
  private loaded({ action: { width } }: Write, entry: bigint): bigint {
    return BigInt.asIntN(8 * width, entry >> this.shift);
  }

  private entryAfter(write: Write, before: bigint): bigint {
    const mask = BigInt.asUintN(64, ((1n << BigInt(8 * write.action.width)) - 1n) << this.shift);
    const value = BigInt.asUintN(64, this.stored(write, before) << this.shift);
    return (before & ~mask) | (value & mask);
  }

  private stored(write: Write, before: bigint): bigint {
    const { vcpu } = this;
    const { rs1, rs2 } = write.decoded;
    if (write.action.k === 'store') return vcpu.x(rs2);
    const x = (operand: 'rs1' | 'rs2') => vcpu.x(operand === 'rs1' ? rs1 : rs2);
    return evaluate(write.action.result, { x, old: this.loaded(write, before), imm: 0n, pc: 0n });
  }

  /** Of the bytes within the doubleword. */
  private get shift(): bigint {
    return BigInt(8 * (this.hpa % 8));
  }
}
