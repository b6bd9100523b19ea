/** Decoding of the instructions that leave the guest: a kernel has few of them, and executes them again and again. */
import type { Decode } from '../../isa/decode';
import { makeDecoder } from '../../isa/decode';
import type { Decoded } from '../../isa/instruction';

const PLACES = 1024;

/** A decoder for these extensions that remembers what it decoded lately. */
export function rememberingDecoder(extensions: ReadonlySet<string>): Decode {
  const decode = makeDecoder(extensions);
  const words = new Int32Array(PLACES);
  const known: (Decoded | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  return (word) => {
    // Registers and the upper bits of the CSR's number tell words apart.
    const place = ((word >>> 7) ^ (word >>> 20)) & (PLACES - 1);
    const found = known[place];
    if (found !== undefined && words[place] === (word | 0)) return found;
    const decoded = decode(word);
    words[place] = word;
    known[place] = decoded;
    return decoded;
  };
}
