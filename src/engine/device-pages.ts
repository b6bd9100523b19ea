/** Pages of devices that were accessed last: TLBs hold pages of RAM only, and drivers access one register after the other. */
import type { Access, ByteDevice } from './host';
import type { Tlbs } from './tlb';

/** A page for one kind of access, as long as the TLB is the same and drops nothing. */
export interface DevicePage {
  low: number;
  high: number;
  tlb: number;
  drops: number;
  hpa: number;
  /** The device at its beginning, if that takes single bytes. */
  device: ByteDevice | undefined;
}

const PAGE_SIZE = 0x1000;
const nothing = (): DevicePage => ({ low: -1, high: 0, tlb: 0, drops: 0, hpa: 0, device: undefined });

export class DevicePages {
  /** By the kind of access. */
  private readonly pages: readonly DevicePage[] = [nothing(), nothing(), nothing()];

  /** The page of an access, if it is the last one's. */
  find(tlbs: Tlbs, low: number, high: number, access: Access): DevicePage | undefined {
    const page = this.pages[access];
    const isKnown =
      page.low === low - (low % PAGE_SIZE) &&
      page.high === high &&
      page.drops === tlbs.drops &&
      page.tlb === tlbs.currentData;
    return isKnown ? page : undefined;
  }

  /** @param hpa of the page, which holds for each access of this kind to it */
  remember(
    tlbs: Tlbs,
    low: number,
    high: number,
    access: Access,
    { hpa, device }: Pick<DevicePage, 'hpa' | 'device'>,
  ): void {
    const page = this.pages[access];
    page.low = low - (low % PAGE_SIZE);
    page.high = high;
    page.tlb = tlbs.currentData;
    page.drops = tlbs.drops;
    page.hpa = hpa;
    page.device = device;
  }
}
