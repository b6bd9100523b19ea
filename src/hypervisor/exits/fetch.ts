/** The instruction at which a guest left, read as its hart fetched it. */
import { FETCH } from '../../engine/host';
import { isCompressed } from '../../isa/decode';
import { PAGE_SIZE } from '../addresses';
import { translate } from '../guest-walk';
import type { Vcpu } from '../vcpu';

/** The instruction word at the guest's pc (16 or 32 bits); undefined where none can be fetched. */
export function fetchInstruction(vcpu: Vcpu): number | undefined {
  const { pcLow, pcHigh, pc } = vcpu;
  if (pcLow % PAGE_SIZE <= PAGE_SIZE - 4) {
    const hpa = vcpu.view.fetchAddress(pcLow, pcHigh);
    const word = hpa < 0 ? 0 : vcpu.guest.dram.read32(hpa);
    if (hpa >= 0) return isCompressed(word) ? word & 0xffff : word;
  }
  const first = fetchHalf(vcpu, pc);
  if (first === undefined || isCompressed(first)) return first;
  const second = fetchHalf(vcpu, pc + 2n);
  return second === undefined ? undefined : (first | (second << 16)) >>> 0;
}

/** The shadow table is what the hart used; the guest's own answers where that has been given up meanwhile. */
function fetchHalf(vcpu: Vcpu, gva: bigint): number | undefined {
  const { view, guest } = vcpu;
  const hpa = view.fetchAddress(Number(gva & 0xffff_ffffn), Number((gva >> 32n) & 0xffff_ffffn));
  if (hpa >= 0) return guest.dram.read16(hpa);
  const gpa = translate(vcpu, gva, FETCH);
  const found = gpa === undefined || !guest.memory.contains(gpa, 2) ? undefined : guest.memory.toHpa(gpa);
  return found === undefined ? undefined : guest.dram.read16(found);
}
