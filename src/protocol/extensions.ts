/** The extensions that a machine can be given: what stands under `machine.extensions` in a launch configuration. */
import { flag } from './fields';

const on = (description: string) => flag({ description, default: true });
const off = (description: string) => flag({ description, default: false });

/** By the specifications' names; the defaults are those of QEMU's processor `rv64`. */
export const EXTENSION_FIELDS = {
  Zicbom: off('Cache-block management: cbo.clean, cbo.flush and cbo.inval.'),
  Zicboz: off('Cache-block zeroing: cbo.zero.'),
  Zicond: off('Conditional zero: czero.eqz and czero.nez.'),
  Zihintpause: on('The hint pause, for loops that wait.'),
  Zba: on('Bit manipulation: addresses, such as sh2add.'),
  Zbb: on('Bit manipulation: basics, such as clz, rev8 and max.'),
  Zbs: on('Bit manipulation: single bits, such as bset.'),
  Sstc: on('A timer of the supervisor: stimecmp.'),
  Svade: off('Clear A and D bits of page-table entries fault; with Svadu, until menvcfg.ADUE is set.'),
  Svadu: off('menvcfg.ADUE decides whether hardware sets the A and D bits of page-table entries.'),
  Svinval: off('Invalidation of translations in parts: sinval.vma and its fences.'),
  Svnapot: off('Pages of 64 KiB, by the N bit of page-table entries.'),
  Svpbmt: off('Memory types in page-table entries.'),
};
