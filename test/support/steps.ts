/** Instructions as a translator's steps. */
import { assembleProgram } from '../../src/isa/assemble';
import { makeDecoder } from '../../src/isa/decode';
import type { Step } from '../../src/engine/translator/region';

const decode = makeDecoder(new Set());

/** The steps of a source in which all instructions have four bytes. */
export function stepsOf(source: string): Step[] {
  const bytes = assembleProgram(source, 0n);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => {
    const decoded = decode(view.getUint32(4 * i, true))!;
    return { decoded, position: 4 * i, crosses: false };
  });
}
