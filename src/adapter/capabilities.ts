/** What the adapter can do, and the trap causes that can be stopped on. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { trapCauses } from '../isa/causes';

/** Traps into M-mode never reach a guest's scause. */
const MACHINE_CAUSE = /^machine-/;

const filters: DebugProtocol.ExceptionBreakpointsFilter[] = trapCauses
  .filter(({ id }) => !MACHINE_CAUSE.test(id))
  .map(({ id, name, summary }) => ({
    filter: id,
    label: name,
    description: summary,
    default: false,
    supportsCondition: true,
    conditionDescription: 'Stop only when this holds, for example stval < 0x1000 or mode == "vS"',
  }));

export const capabilities: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsBreakpointLocationsRequest: true,
  exceptionBreakpointFilters: filters,
  supportsExceptionFilterOptions: true,
  supportsExceptionInfoRequest: true,
  supportsSteppingGranularity: true,
  supportsDelayedStackTraceLoading: true,
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: ['$'],
  supportsValueFormattingOptions: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
};
