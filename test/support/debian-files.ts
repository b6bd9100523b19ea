/** Files of Debian packages that are installed on this machine. */
import { existsSync } from 'node:fs';

const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic';
export const FW_JUMP = `${OPENSBI}/fw_jump.elf`;
export const FW_DYNAMIC = `${OPENSBI}/fw_dynamic.bin`;
/** U-Boot for S-mode. */
export const U_BOOT = '/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf';

/** The file's path; without it as `requireTool`. */
export function requireDebianFile(path: string, context: Mocha.Context): string {
  if (existsSync(path)) return path;
  const message = `needs ${path}; run scripts/install-debian-packages.sh`;
  if (process.env.CI) throw new Error(message);
  if (context.test) context.test.title += ` [skipped: ${message}]`;
  return context.skip();
}
