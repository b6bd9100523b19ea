/** An initial RAM disk for Linux: busybox, the modules that a script may load, and the script. */
import { readFileSync } from 'node:fs';
import type { ArchiveEntry } from './cpio';
import { cpioArchive } from './cpio';
import type { ThirdPartyGuests } from './third-party-guests';
import { readModules } from './third-party-guests';

const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'tmp', 'mnt', 'modules', 'share'];

/** Runs in front of each script. What needs no path is one of busybox's own commands. */
const PROLOGUE = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
`;

/** @param script what the shell does as the first process; files of the archive are named from its root */
export function initramfs(
  guests: ThirdPartyGuests,
  script: string,
  files: readonly { readonly path: string; readonly data: Uint8Array }[] = [],
): Uint8Array {
  const text = new TextEncoder().encode(PROLOGUE + script);
  return cpioArchive([
    ...FOLDERS.map((path): ArchiveEntry => ({ path, kind: 'folder' })),
    { path: 'dev/console', kind: 'character-device', major: 5, minor: 1 },
    { path: 'bin/busybox', kind: 'file', executable: true, data: readFileSync(guests.busybox) },
    ...readModules(guests).map(({ name, data }): ArchiveEntry => ({ path: `modules/${name}`, kind: 'file', data })),
    ...files.map(({ path, data }): ArchiveEntry => ({ path, kind: 'file', data })),
    { path: 'init', kind: 'file', executable: true, data: text },
  ]);
}
