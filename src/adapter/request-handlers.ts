/** How requests are handled: a function per command, which returns the response's body or throws a sentence. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CustomRequestName, CustomRequests } from '../protocol/messages';
import type { Connection } from './connection';

type Handler<Arguments, Body> = (connection: Connection, args: Arguments) => Body | Promise<Body>;

/** The standard requests that are handled, with what the protocol says of their arguments and bodies. */
interface StandardRequests {
  initialize: [DebugProtocol.InitializeRequestArguments, DebugProtocol.Capabilities];
  launch: [Record<string, unknown>, void];
  configurationDone: [unknown, void];
  restart: [DebugProtocol.RestartArguments | undefined, void];
  terminate: [unknown, void];
  threads: [unknown, DebugProtocol.ThreadsResponse['body']];
  continue: [DebugProtocol.ContinueArguments, DebugProtocol.ContinueResponse['body']];
  next: [DebugProtocol.NextArguments, void];
  stepIn: [DebugProtocol.StepInArguments, void];
  stepOut: [DebugProtocol.StepOutArguments, void];
  pause: [DebugProtocol.PauseArguments, void];
  setBreakpoints: [DebugProtocol.SetBreakpointsArguments, DebugProtocol.SetBreakpointsResponse['body']];
  setFunctionBreakpoints: [
    DebugProtocol.SetFunctionBreakpointsArguments,
    DebugProtocol.SetFunctionBreakpointsResponse['body'],
  ];
  setInstructionBreakpoints: [
    DebugProtocol.SetInstructionBreakpointsArguments,
    DebugProtocol.SetInstructionBreakpointsResponse['body'],
  ];
  dataBreakpointInfo: [DebugProtocol.DataBreakpointInfoArguments, DebugProtocol.DataBreakpointInfoResponse['body']];
  setDataBreakpoints: [DebugProtocol.SetDataBreakpointsArguments, DebugProtocol.SetDataBreakpointsResponse['body']];
  setExceptionBreakpoints: [
    DebugProtocol.SetExceptionBreakpointsArguments,
    DebugProtocol.SetExceptionBreakpointsResponse['body'],
  ];
  breakpointLocations: [DebugProtocol.BreakpointLocationsArguments, DebugProtocol.BreakpointLocationsResponse['body']];
  exceptionInfo: [DebugProtocol.ExceptionInfoArguments, DebugProtocol.ExceptionInfoResponse['body']];
  stackTrace: [DebugProtocol.StackTraceArguments, DebugProtocol.StackTraceResponse['body']];
  scopes: [DebugProtocol.ScopesArguments, DebugProtocol.ScopesResponse['body']];
  variables: [DebugProtocol.VariablesArguments, DebugProtocol.VariablesResponse['body']];
  setVariable: [DebugProtocol.SetVariableArguments, DebugProtocol.SetVariableResponse['body']];
  setExpression: [DebugProtocol.SetExpressionArguments, DebugProtocol.SetExpressionResponse['body']];
  evaluate: [DebugProtocol.EvaluateArguments, DebugProtocol.EvaluateResponse['body']];
  completions: [DebugProtocol.CompletionsArguments, DebugProtocol.CompletionsResponse['body']];
  readMemory: [DebugProtocol.ReadMemoryArguments, NonNullable<DebugProtocol.ReadMemoryResponse['body']>];
  writeMemory: [DebugProtocol.WriteMemoryArguments, NonNullable<DebugProtocol.WriteMemoryResponse['body']>];
  disassemble: [DebugProtocol.DisassembleArguments, NonNullable<DebugProtocol.DisassembleResponse['body']>];
}

export type RequestHandlers = {
  readonly [Name in keyof StandardRequests]: Handler<StandardRequests[Name][0], StandardRequests[Name][1]>;
} & {
  readonly [Name in CustomRequestName]: Handler<CustomRequests[Name]['arguments'], CustomRequests[Name]['response']>;
};
