/** The CSRs that a target shows, as sets. */
import { csrByName, csrByNumber } from '../../isa/csrs';
import type { CsrDescription } from '../../isa/csrs';
import type { CsrFile } from '../../machine/csr-file';
import type { Vcpu } from '../../hypervisor/vcpu';
import type { CsrSet, CsrValue } from '../target';

/** What the guest sees: the CSRs that the hypervisor keeps for it. */
export function guestCsrSet(vcpu: Vcpu): CsrSet {
  const valueOf = (description: CsrDescription): CsrValue | undefined => {
    const value = vcpu.readCsr(description.number);
    return value === undefined
      ? undefined
      : { description, value, set: (written) => void vcpu.writeCsr(description.number, written) };
  };
  return {
    kind: 'guest',
    title: 'Guest CSRs',
    list: () => vcpu.listCsrs().flatMap(({ number }) => optional(csrByNumber(number), valueOf)),
    find: (name) => optional(csrByName(name), valueOf)[0],
  };
}

/** Registers of no interest while they hold zero: there are many of them. */
const UNINTERESTING_ZERO = /^(pmp|m?hpm|mhpmevent)/;

/**
 * The hart's own CSRs.
 * @param options.includes which of them; all without it
 * @param options.isWritable false under the hypervisor, whose hold on the guest depends on them
 */
export function hartCsrSet(
  csrs: CsrFile,
  options: {
    readonly kind: CsrSet['kind'];
    readonly title: string;
    readonly isWritable: boolean;
    readonly includes?: (csr: CsrDescription) => boolean;
  },
): CsrSet {
  const { kind, title, isWritable, includes = () => true } = options;
  const withValue = (description: CsrDescription, value: bigint): CsrValue => {
    const canSet = isWritable && !description.readOnly;
    return { description, value, ...(canSet ? { set: (written) => csrs.write(description.number, written) } : {}) };
  };
  return {
    kind,
    title,
    list: () =>
      [...csrs.entries()]
        .filter(({ csr, value }) => includes(csr) && (value !== 0n || !UNINTERESTING_ZERO.test(csr.name)))
        .map(({ csr, value }) => withValue(csr, value)),
    find(name) {
      const description = csrByName(name);
      if (!description || !includes(description) || !csrs.has(description.number)) return undefined;
      return withValue(description, csrs.read(description.number));
    },
  };
}

function optional(
  description: CsrDescription | undefined,
  valueOf: (description: CsrDescription) => CsrValue | undefined,
): CsrValue[] {
  const value = description && valueOf(description);
  return value ? [value] : [];
}
