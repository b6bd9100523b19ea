/**
 * A folder that stays the same one while something is done in it, whatever others rename meanwhile. On Linux it is held open,
 * and what is in it is named from there, as with `openat`, which Node.js does not have (proc(5), /proc/pid/fd). Elsewhere its
 * path is looked at before.
 */
import { closeSync, constants, existsSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { FileError } from '../machine/devices/virtio/9p/file-system';

const DESCRIPTORS = '/proc/self/fd';
const canHold = process.platform === 'linux' && existsSync(DESCRIPTORS);
/** Only names it: open(2) has it on Linux, Node.js does not list it. */
const O_PATH = 0o10000000;

/**
 * @param path absolute, without links on the way
 * @param action gets a path by which the folder is to be used while it runs
 * @throws FileError when there is a link on the way, or at its end
 */
export function inFolder<T>(path: string, action: (folder: string) => T): T {
  if (!canHold) {
    if (realpathSync(path) !== path) throw new FileError('ENOTDIR');
    return action(path);
  }
  const descriptor = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const folder = `${DESCRIPTORS}/${descriptor}`;
    if (readlinkSync(folder) !== path) throw new FileError('ENOTDIR');
    return action(folder);
  } finally {
    closeSync(descriptor);
  }
}
