/** A value as one line of text, as watches, hovers and log points show it. */
import { hex } from '../format';
import { datumText } from '../values/datum-node';
import type { DatumContext } from '../values/datum-node';
import type { Value } from './evaluate';

/** Numbers from here on are easier to read in hexadecimal. */
const READS_AS_HEX = 0x1000n;

export function describeValue(value: Value, context: DatumContext): string {
  switch (value.kind) {
    case 'integer':
      return value.node?.().text ?? describeInteger(value.value, context.presentation.hex);
    case 'flag':
      return String(value.value);
    case 'text':
      return value.value;
    case 'data':
      return datumText(value.datum, context);
  }
}

function describeInteger(value: bigint, inHex: boolean): string {
  return inHex || value >= READS_AS_HEX ? hex(value) : value.toString();
}
