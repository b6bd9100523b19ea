/** What the cache-block instructions do: there is no cache, so that they check accesses, and zero memory. */
import type { Access } from '../engine/host';
import { LOAD, STORE } from '../engine/host';
import type { Hart } from './hart';
import { EXCEPTION } from './status';

const BLOCK_SIZE = 64;

/**
 * Whether a load or a store may access the cache block that holds this address; otherwise it has raised a store's fault,
 * with the address as it was given (Cache-Block Management 2.5).
 */
export function checkBlock(hart: Hart, va: bigint): boolean {
  if (locate(hart, va, LOAD) >= 0 || locate(hart, va, STORE) >= 0) return true;
  hart.raise(hart.mmu.cause, va);
  return false;
}

/** Stores zeros to the cache block that holds this address. @returns false after it has raised a fault */
export function zeroBlock(hart: Hart, va: bigint): boolean {
  const address = locate(hart, va, STORE);
  if (address >= 0 && hart.storeZeros(address, BLOCK_SIZE)) return true;
  hart.raise(address < 0 ? hart.mmu.cause : EXCEPTION.storeAccess, va);
  return false;
}

function locate(hart: Hart, va: bigint, access: Access): number {
  return hart.locateData(va & ~BigInt(BLOCK_SIZE - 1), access, BLOCK_SIZE);
}
