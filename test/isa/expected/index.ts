/** What every 32-bit instruction does, by its name in the table; a 16-bit one does what the one it stands for does. */
import type { Formula } from '../reference-hart';
import { floatFormulas } from './float';
import { integerFormulas } from './integer';
import { memoryFormulas } from './memory';
import { systemFormulas } from './system';

export const formulas: ReadonlyMap<string, Formula> = new Map([
  ...integerFormulas,
  ...memoryFormulas,
  ...floatFormulas,
  ...systemFormulas,
]);
