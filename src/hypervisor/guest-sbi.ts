/** What the SBI needs of a guest: addresses are GPA, and everything ends at the guest's own memory. */
import type { SbiFence, SbiHartStart, SbiHartState, SbiPlatform, SbiResetKind } from '../machine/sbi-platform';
import { PAGE_SIZE } from './addresses';
import { SOFTWARE_INTERRUPT } from './guest-csrs';
import { loadDoubleword } from './guest-walk';
import type { Vcpu } from './vcpu';

/** A fence of more pages than this drops everything: that is allowed, and quicker. */
const PAGES_FENCED_SINGLY = 512n;

export class GuestSbiPlatform implements SbiPlatform {
  readonly identity = { mvendorid: 0n, marchid: 0n, mimpid: 0n };

  constructor(private readonly vcpu: Vcpu) {}

  get hartCount(): number {
    return this.vcpu.guest.vcpus.length;
  }

  get hartId(): number {
    return this.vcpu.index;
  }

  setTimer(stime: bigint): void {
    this.vcpu.timer.set(stime);
  }

  hartState(hart: number): SbiHartState {
    const { isStopped, isSuspended } = this.vcpu.guest.vcpus[hart];
    if (isStopped) return 'stopped';
    return isSuspended ? 'suspended' : 'started';
  }

  startHart(hart: number, start: SbiHartStart): void {
    this.vcpu.guest.vcpus[hart].start(start);
  }

  stopHart(): void {
    this.vcpu.stop();
  }

  suspendHart(resume?: SbiHartStart): void {
    this.vcpu.suspend(resume);
  }

  setSoftwareInterrupt(hart: number, on: boolean): void {
    const vcpu = this.vcpu.guest.vcpus[hart];
    if (vcpu.isStopped) return;
    vcpu.csrs.setPending(SOFTWARE_INTERRUPT, on);
    if (on) vcpu.notify();
  }

  fence(hart: number, fence: SbiFence): void {
    // The engine notices changed code by itself.
    if (fence.kind === 'fence.i') return;
    const asid = fence.asid === undefined ? {} : { asid: Number(fence.asid & 0xffffn) };
    const { guest, index } = this.vcpu;
    const pages = (fence.size + BigInt(PAGE_SIZE) - 1n) / BigInt(PAGE_SIZE);
    // A start and size of zero mean the whole address space, as does the largest size.
    if (pages === 0n || pages > PAGES_FENCED_SINGLY) {
      guest.fence(index, hart, asid);
      return;
    }
    for (let page = 0n; page <= pages; page++) {
      guest.fence(index, hart, { gva: BigInt.asUintN(64, fence.start + page * BigInt(PAGE_SIZE)), ...asid });
    }
  }

  putBytes(bytes: Uint8Array): void {
    this.vcpu.guest.console.onOutput?.(bytes);
  }

  getByte(): number {
    return this.vcpu.guest.devices.uart.takeByte();
  }

  isMemory(address: number, length: number): boolean {
    return this.vcpu.guest.memory.contains(address, length);
  }

  readMemory(address: number, length: number): Uint8Array | undefined {
    return this.vcpu.guest.memory.read(address, length);
  }

  writeMemory(address: number, bytes: Uint8Array): boolean {
    return this.vcpu.guest.memory.write(address, bytes);
  }

  readHartMask(virtualAddress: bigint): bigint | undefined {
    return loadDoubleword(this.vcpu, virtualAddress);
  }

  reset(kind: SbiResetKind, reason: number): void {
    const { guest } = this.vcpu;
    if (kind !== 'shutdown') guest.end({ reason: 'reboot', code: 0 });
    else if (reason === 0) guest.end({ reason: 'shutdown', code: 0 });
    else guest.end({ reason: 'failure', code: 1 });
  }
}
