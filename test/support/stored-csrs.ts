/** A place for the values of CSRs, without an engine. */
import type { CsrSurroundings } from '../../src/machine/csr-state';

const COUNT = 4096;

export function storedCsrs(): CsrSurroundings['stored'] {
  const csrs = new BigUint64Array(COUNT);
  return { csrs, csrHalves: new Uint32Array(csrs.buffer) };
}
