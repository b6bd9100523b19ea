/** From what the user asked for to places in code: by lines, by function names, by addresses. */
import { describeExitKind, EXIT_KINDS } from '../../hypervisor/exit-record';
import { oneOf } from '../format';
import type { SymbolSpace } from '../symbol-space';
import type { BreakpointPlace, Trigger } from './breakpoint';

/** What comes of resolving a request. */
export interface Resolution {
  readonly trigger: Trigger;
  readonly verified: boolean;
  readonly message?: string;
  readonly line?: number;
}

export const nothing = (message: string): Resolution => ({ trigger: { kind: 'nothing' }, verified: false, message });
const code = (places: readonly BreakpointPlace[], line?: number): Resolution => ({
  trigger: { kind: 'code', places },
  verified: true,
  ...(line === undefined ? {} : { line }),
});

/** Waiting for symbols to be loaded. */
export const PENDING = nothing('Waiting for the program to be loaded.');

/**
 * @param paths names by which debug information may know the file, the user's own first
 */
export function resolveLine(symbols: SymbolSpace, paths: readonly string[], line: number): Resolution {
  const places: BreakpointPlace[] = [];
  let found: number | undefined;
  let problem = symbols.hasDebugInfo
    ? 'The program has no code from this file.'
    : 'The program has no debug information: build it with -g. Breakpoints on functions and instructions work.';
  for (const module of symbols.modules) {
    for (const path of paths) {
      const resolution = module.file.resolveBreakpoint(path, line);
      if (resolution.kind === 'resolved') {
        found = Math.min(found ?? resolution.line, resolution.line);
        places.push(...resolution.addresses.map((address) => ({ address, module })));
        break;
      }
      if (resolution.kind === 'no-code') problem = 'There is no code at this line or after it in the file.';
      if (resolution.kind === 'ambiguous') {
        problem = `The file could be ${oneOf(resolution.candidates.slice(0, 4))}; use "sourceMap" to say which.`;
      }
    }
  }
  return places.length > 0 ? code(places, found) : nothing(problem);
}

/** `hypervisor.` and the kind of a VM exit. */
const EVENT = /^hypervisor\.(.*)$/;
const ADDRESS = /^\*?\s*(0x[0-9a-f]{1,16})$/i;

export function resolveFunction(symbols: SymbolSpace | undefined, name: string, hasHypervisor: boolean): Resolution {
  const event = EVENT.exec(name.trim());
  if (event) return resolveEvent(event[1]!, hasHypervisor);
  const address = ADDRESS.exec(name.trim());
  if (address) return code([{ address: BigInt(address[1]!) }]);
  if (!symbols) return PENDING;
  const places: BreakpointPlace[] = [];
  for (const module of symbols.modules) {
    const addresses = module.file.functionBreakpointAddresses(name.trim());
    places.push(...addresses.map((place) => ({ address: place, module })));
  }
  if (places.length > 0) return code(places);
  return nothing(
    `No function or label "${name}" in ${oneOf(symbols.modules.map((module) => module.name)) || 'the program'}; ` +
      'an address is written "*0x80200000", a hypervisor event "hypervisor.csrWrite".',
  );
}

function resolveEvent(event: string, hasHypervisor: boolean): Resolution {
  const kinds = EXIT_KINDS.map((kind) => kind.kind);
  if (!describeExitKind(event))
    return nothing(`There is no hypervisor event "${event}"; there are ${kinds.join(', ')}.`);
  if (!hasHypervisor) return nothing('On the bare machine there is no hypervisor, so it has no events.');
  return { trigger: { kind: 'event', event }, verified: true };
}
