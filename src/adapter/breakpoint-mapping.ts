/** Breakpoints in the protocol's words. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint } from '../debugger/breakpoints/breakpoint';
import { hex } from '../debugger/format';
import type { Conventions } from './conventions';

export function toProtocolBreakpoint(breakpoint: Breakpoint, conventions: Conventions): DebugProtocol.Breakpoint {
  const { id, verified, message, line, trigger } = breakpoint;
  const address = trigger.kind === 'code' ? trigger.places[0]?.address : undefined;
  return {
    id,
    verified,
    ...(message === undefined ? {} : { message }),
    ...(line === undefined ? {} : { line: conventions.lineToClient(line) }),
    ...(address === undefined ? {} : { instructionReference: hex(address) }),
  };
}
