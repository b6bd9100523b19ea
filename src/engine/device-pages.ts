/** Pages of devices that were accessed last: TLBs hold pages of RAM only, and drivers access one register after the other. */
import type { Access } from './host';
import type { Tlbs } from './tlb';

/** A page for one kind of access, as long as the TLB is the same and drops nothing. */
interface DevicePage {
  low: number;
  high: number;
  tlb: number;
  drops: number;
  hpa: number;
}

const PAGE_SIZE = 0x1000;
const nothing = (): DevicePage => ({ low: -1, high: 0, tlb: 0, drops: 0, hpa: 0 });

export class DevicePages {
  /** By the kind of access. */
  private readonly pages: readonly DevicePage[] = [nothing(), nothing(), nothing()];

  /** The HPA of an access, if its page is the last one's. */
  find(tlbs: Tlbs, low: number, high: number, access: Access): number | undefined {
    const page = this.pages[access];
    const offset = low % PAGE_SIZE;
    const isKnown =
      page.low === low - offset && page.high === high && page.drops === tlbs.dataDrops && page.tlb === tlbs.currentData;
    return isKnown ? page.hpa + offset : undefined;
  }

  /** @param hpa of the page, which holds for each access of this kind to it */
  remember(tlbs: Tlbs, low: number, high: number, access: Access, hpa: number): void {
    const page = this.pages[access];
    page.low = low - (low % PAGE_SIZE);
    page.high = high;
    page.tlb = tlbs.currentData;
    page.drops = tlbs.dataDrops;
    page.hpa = hpa;
  }
}
