/** All custom requests and events between the extension and the debug adapter, by name, with their types. */
import type { ConsoleInputArguments, ConsoleOutputBody, ConsoleSizeArguments, ConsolesResponse } from './console';
import type { ExplainArguments, ExplainResponse, TranslateArguments, TranslateResponse } from './explanation';
import type { GuestsBody, HoldArguments } from './guests';
import type { PageTableArguments, PageTableResponse } from './page-table';
import type { StatisticsResponse } from './statistics';

/** Custom requests: the name → what is sent and what comes back. Send them with `session.customRequest(name, arguments)`. */
export interface CustomRequests {
  'hypocaust/pageTable': { arguments: PageTableArguments; response: PageTableResponse };
  'hypocaust/consoles': { arguments: undefined; response: ConsolesResponse };
  'hypocaust/consoleInput': { arguments: ConsoleInputArguments; response: undefined };
  'hypocaust/consoleSize': { arguments: ConsoleSizeArguments; response: undefined };
  'hypocaust/explain': { arguments: ExplainArguments; response: ExplainResponse };
  'hypocaust/translate': { arguments: TranslateArguments; response: TranslateResponse };
  'hypocaust/hold': { arguments: HoldArguments; response: GuestsBody };
  'hypocaust/statistics': { arguments: undefined; response: StatisticsResponse };
}

/** Custom events: the name → the event's body. */
export interface CustomEvents {
  'hypocaust/consoleOutput': ConsoleOutputBody;
  'hypocaust/guests': GuestsBody;
}

export type CustomRequestName = keyof CustomRequests;
export type CustomEventName = keyof CustomEvents;
