/** Explanations and translations as the protocol has them: numbers as hexadecimal strings. */
import type { Explanation } from '../debugger/explain/why';
import { explanationText } from '../debugger/explain/why';
import { hex, hex64 } from '../debugger/format';
import type { Translation } from '../debugger/target';
import type { TranslatedAddress } from '../debugger/translate-address';
import type { AccessRecord, ExplainResponse, TranslateResponse } from '../protocol/explanation';

const optional = <Name extends string>(name: Name, value: bigint | number | undefined): { [N in Name]?: string } =>
  value === undefined ? {} : ({ [name]: hex(value) } as { [N in Name]?: string });

export function explainResponse(explanation: Explanation): ExplainResponse {
  const { sentence, translation, hypervisor } = explanation;
  return {
    sentence,
    lines: explanationText(explanation),
    access: accessRecord(translation),
    ...(hypervisor !== undefined && { hypervisor }),
  };
}

export function translateResponse(found: TranslatedAddress): TranslateResponse {
  const { lines, forward, guest, gpa, hpa, mappings, isCut } = found;
  return {
    lines,
    ...(forward && { access: accessRecord(forward) }),
    ...(guest !== undefined && { guest }),
    ...optional('gpa', gpa),
    ...optional('hpa', hpa),
    mappings: mappings.map(({ gva, satp, entryAddress, entry, ...rest }) => ({
      ...rest,
      gva: hex(gva),
      satp: hex64(satp),
      entryAddress: hex(entryAddress),
      entry: hex64(entry),
    })),
    isCut,
  };
}

function accessRecord({
  address,
  access,
  mode,
  satp,
  outcome,
  rule,
  steps,
  gpa,
  hpa,
  device,
  shadow,
}: Translation): AccessRecord {
  return {
    address: hex(address),
    access,
    mode,
    satp: hex64(satp),
    outcome,
    ...(rule && { rule }),
    steps: steps.map(({ level, index, entryAddress, entry, flags, kind, target }) => ({
      level,
      index,
      entryAddress: hex(entryAddress),
      entry: hex64(entry),
      flags,
      kind,
      ...optional('target', target),
    })),
    ...optional('gpa', gpa),
    ...optional('hpa', hpa),
    ...(device !== undefined && { device }),
    ...(shadow && { shadow: shadowRecord(shadow) }),
  };
}

function shadowRecord(shadow: NonNullable<Translation['shadow']>): NonNullable<AccessRecord['shadow']> {
  const { view, root, level, entryAddress, entry, flags, state, hpa } = shadow;
  return {
    view,
    root: hex(root),
    level,
    entryAddress: hex(entryAddress),
    entry: hex64(entry),
    flags,
    state,
    ...optional('hpa', hpa),
  };
}
