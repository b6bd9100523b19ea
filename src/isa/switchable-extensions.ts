/** The extensions that a machine has or has not, in the order in which device trees list them. */
import { extensionTable } from './extension-table';
import { svinval } from './svinval';
import { zba } from './zba';
import { zbb } from './zbb';
import { zbs } from './zbs';
import { zicbom, zicboz } from './zicbo';
import { zicond } from './zicond';

const on = { onByDefault: true };
const off = { onByDefault: false };

export const switchableTables = [
  zicbom,
  zicboz,
  zicond,
  /** Its one instruction is a FENCE that waits for nothing. */
  extensionTable('Zihintpause', on),
  zba,
  zbb,
  zbs,
  extensionTable('Sstc', on),
  /** A and D bits that are clear fault; with Svadu only until software asks for updates by hardware. */
  extensionTable('Svade', off),
  extensionTable('Svadu', off),
  svinval,
  extensionTable('Svnapot', off),
  extensionTable('Svpbmt', off),
];
