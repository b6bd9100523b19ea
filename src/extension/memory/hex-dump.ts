/** Memory as text: sixteen bytes a line, with addresses and characters. */

const BYTES_PER_LINE = 16;

/**
 * Lines such as `0x0000000080200000  13 05 …  |......|`.
 * @param unreadable bytes after `bytes` that cannot be read; they stand as `--`
 */
export function hexDump(address: bigint, bytes: Uint8Array, unreadable = 0): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length + unreadable; at += BYTES_PER_LINE) {
    const here = Array.from(
      { length: Math.min(BYTES_PER_LINE, bytes.length + unreadable - at) },
      (_, index): number | undefined => bytes[at + index],
    );
    const digits = here.map((byte) => byte?.toString(16).padStart(2, '0') ?? '--');
    const halves = [digits.slice(0, 8).join(' '), digits.slice(8).join(' ')].join('  ').padEnd(BYTES_PER_LINE * 3);
    const text = here.map((byte) =>
      byte !== undefined && byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    const where = BigInt.asUintN(64, address + BigInt(at))
      .toString(16)
      .padStart(16, '0');
    lines.push(`0x${where}  ${halves}  |${text.join('')}|`);
  }
  return lines.join('\n');
}
