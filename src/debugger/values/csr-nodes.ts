/** CSRs as the user sees them: the value, the fields that are not zero in a line, and all fields when opened. */
import { bitRange } from '../../isa/csr-description';
import { decodeFields } from '../../isa/csrs';
import type { DecodedField } from '../../isa/csrs';
import { integer } from '../expressions/evaluate';
import type { IntegerValue } from '../expressions/evaluate';
import { hex, hex64 } from '../format';
import type { CsrSet, CsrValue } from '../target';
import { namedChildren } from './value-node';
import type { ValueNode } from './value-node';

const MAX_SUMMARY = 90;

/** All CSRs of a set. */
export function csrNodes(set: CsrSet): ValueNode[] {
  return set.list().map((csr) => csrNode(csr, set));
}

/** How a CSR is written in expressions: guest CSRs by their names, host CSRs with `host_` in front. */
function csrExpression(name: string, kind: CsrSet['kind']): string {
  return kind === 'host' ? `$host_${name}` : `$${name}`;
}

function csrNode(csr: CsrValue, set: Pick<CsrSet, 'kind'>): ValueNode {
  const { description, value } = csr;
  const expression = csrExpression(description.name, set.kind);
  const fields = decodeFields(description, value);
  const isPlain = fields.length === 1 && fields[0]!.field.explain === undefined;
  return {
    name: description.name,
    text: isPlain ? hex64(value) : `${hex64(value)} ${summary(fields)}`.trimEnd(),
    type: description.summary,
    expression,
    ...(csr.set ? { set: csr.set } : {}),
    ...(isPlain ? {} : { children: namedChildren(() => fields.map((field) => fieldNode(csr, field, expression))) }),
  };
}

function fieldNode(csr: CsrValue, { field, value, text }: DecodedField, expression: string): ValueNode {
  const number = field.high - field.low < 8 ? value.toString() : hex(value);
  const bits = field.high === field.low ? `bit ${field.low}` : `bits ${field.high}–${field.low}`;
  return {
    name: field.name,
    text: text === number || text === hex(value) ? number : `${number}: ${text}`,
    type: `${bits}: ${field.summary}`,
    expression: `${expression}.${field.name}`,
    ...(csr.set ? { set: (written: bigint) => csr.set!(withField(csr, field, written)) } : {}),
  };
}

function withField(csr: CsrValue, { high, low }: DecodedField['field'], written: bigint): bigint {
  const mask = bitRange(high, low);
  return (csr.value & ~mask) | ((written << BigInt(low)) & mask);
}

/** The fields that are not zero, with what they mean. */
function summary(fields: readonly DecodedField[]): string {
  const parts: string[] = [];
  let length = 0;
  for (const { field, value, text } of fields) {
    if (value === 0n && fields.length > 1) continue;
    const isFlag = field.high === field.low;
    const part = isFlag ? field.name : `${field.name}=${text}`;
    length += part.length;
    if (length > MAX_SUMMARY) {
      parts.push('…');
      break;
    }
    parts.push(part);
  }
  return parts.length === 0 ? '' : `{${parts.join(', ')}}`;
}

/** A CSR in an expression; its fields are members: `satp.mode`, in any case of letters. */
export function csrInExpression(csr: CsrValue, set: Pick<CsrSet, 'kind'>): IntegerValue {
  return {
    kind: 'integer',
    value: csr.value,
    node: () => csrNode(csr, set),
    ...(csr.set ? { assign: csr.set } : {}),
    member(name) {
      const decoded = decodeFields(csr.description, csr.value).find(
        ({ field }) => field.name.toLowerCase() === name.toLowerCase(),
      );
      if (!decoded) return undefined;
      const assign = csr.set && ((written: bigint) => csr.set!(withField(csr, decoded.field, written)));
      return { ...integer(decoded.value), ...(assign ? { assign } : {}) };
    },
  };
}
