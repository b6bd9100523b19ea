/** Breakpoints in the protocol's words. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint } from '../debugger/breakpoints/breakpoint';
import type { WatchedData } from '../debugger/breakpoints/data/resolve-data';
import { hex } from '../debugger/format';
import type { Conventions } from './conventions';

export function toProtocolBreakpoint(breakpoint: Breakpoint, conventions: Conventions): DebugProtocol.Breakpoint {
  const { id, verified, line, trigger } = breakpoint;
  const message = breakpoint.message ?? (trigger.kind === 'data' ? describeData(trigger.data) : undefined);
  const address = trigger.kind === 'code' ? trigger.places[0]?.address : undefined;
  return {
    id,
    verified,
    ...(message === undefined ? {} : { message }),
    ...(line === undefined ? {} : { line: conventions.lineToClient(line) }),
    ...(address === undefined ? {} : { instructionReference: hex(address) }),
  };
}

function describeData({ name, space, address, size }: WatchedData): string {
  return `${name}: ${size} ${size === 1 ? 'byte' : 'bytes'} at ${space === 'gva' ? '' : `${space}:`}${hex(address)}`;
}
