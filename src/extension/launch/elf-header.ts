/** Recognises RISC-V ELF64 programs by the first bytes of the file, to offer them to the user. */

/** Bytes that {@link isRiscvProgram} looks at. */
export const ELF_HEADER_BYTES = 20;

const EM_RISCV = 243;
const ET_EXEC = 2;
const ET_DYN = 3;

/** Whether a file that starts with these bytes is a little-endian RISC-V ELF64 program (not an object file). */
export function isRiscvProgram(head: Uint8Array): boolean {
  if (head.length < ELF_HEADER_BYTES) return false;
  const magic = head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
  const is64LittleEndian = head[4] === 2 && head[5] === 1;
  const type = head[16] | (head[17] << 8);
  const machine = head[18] | (head[19] << 8);
  return magic && is64LittleEndian && (type === ET_EXEC || type === ET_DYN) && machine === EM_RISCV;
}
