/**
 * The launch configuration: what a user writes in launch.json (`launch-fields.ts`), and what comes of it. From one table come
 * package.json's `configurationAttributes`, the defaults, the documentation, and the adapter's validation.
 */
import type { DevicesConfiguration, DevicesLaunch } from './devices';
import { devicesLaunch } from './devices';
import { ConfigurationError, objectSchema, parseObject, UnknownFieldError } from './fields';
import type { JsonSchema } from './fields';
import { checkPassthrough, refuseForGuests, refuseOnMachine } from './launch-checks';
import { GUEST_FIELDS, LAUNCH_FIELDS } from './launch-fields';
import type { ConsoleKind, LaunchMode, ParsedGuest, ParsedHypervisor, ParsedMachine } from './launch-fields';

/** The debug type, as in launch.json's `"type"`. */
export const DEBUG_TYPE = 'hypocaust';

/** A guest after validation: sizes in bytes, addresses as bigint. */
export type GuestLaunch = Omit<ParsedGuest, 'name' | keyof DevicesConfiguration> &
  DevicesLaunch & {
    readonly name: string;
    /** The field that it was written in, for messages: `program` or `guests[0]`. */
    readonly field: string;
  };

/** A launch configuration after validation: defaults filled in, `program` turned into `guests`. */
export interface Launch {
  readonly guests: readonly GuestLaunch[];
  readonly mode: LaunchMode;
  readonly machine: Omit<ParsedMachine, keyof DevicesConfiguration> & DevicesLaunch;
  readonly hypervisor: ParsedHypervisor;
  readonly firmware?: string;
  readonly dtb?: string;
  readonly stopOnEntry: boolean;
  readonly sourceMap: Readonly<Record<string, string>>;
  readonly console: ConsoleKind;
  /** Run without stopping anywhere: the client's `noDebug`. */
  readonly noDebug: boolean;
  /** The client shows `hypocaust/consoleOutput` events. */
  readonly consoleEvents: boolean;
}

/**
 * Set to true by a client that shows `hypocaust/consoleOutput` events (our extension does). Without it, the guest's console
 * comes as `output` events, so that it is never lost.
 */
export const CONSOLE_EVENTS_FIELD = '__consoleEvents';

/** Fields that VS Code (or another client) puts beside ours. */
const CLIENT_FIELDS: ReadonlySet<string> = new Set([
  'type',
  'request',
  'name',
  'noDebug',
  'debugServer',
  'preLaunchTask',
  'postDebugTask',
  'presentation',
  'internalConsoleOptions',
  'serverReadyAction',
  'suppressMultipleSessionWarning',
  'restart',
  'windows',
  'linux',
  'osx',
]);

const isClientField = (name: string): boolean => CLIENT_FIELDS.has(name) || name.startsWith('__');

/**
 * Validates a launch configuration and fills in the defaults.
 * @throws ConfigurationError: one sentence naming the field that is wrong, and how
 */
export function parseLaunch(written: unknown): Launch {
  const parsed = parseFields(written);
  const client = written as Readonly<Record<string, unknown>>;
  const guests = nameGuests(chooseGuests(parsed.program, parsed.guests), parsed.program !== undefined);
  if (parsed.mode !== 'hypervisor') refuseOnMachine(parsed, guests, client['hypervisor'] !== undefined);
  else {
    refuseForGuests(parsed, guests);
    checkPassthrough(guests, parsed.machine);
  }
  return {
    guests: guests.map((guest) => devicesLaunch(guest, guest.field)),
    mode: parsed.mode,
    machine: devicesLaunch(parsed.machine, 'machine'),
    hypervisor: parsed.hypervisor,
    ...(parsed.firmware !== undefined && { firmware: parsed.firmware }),
    ...(parsed.dtb !== undefined && { dtb: parsed.dtb }),
    stopOnEntry: parsed.stopOnEntry,
    sourceMap: parsed.sourceMap,
    console: parsed.console,
    noDebug: client['noDebug'] === true,
    consoleEvents: client[CONSOLE_EVENTS_FIELD] === true,
  };
}

function parseFields(written: unknown): ReturnType<typeof parseObject<typeof LAUNCH_FIELDS>> {
  try {
    return parseObject(LAUNCH_FIELDS, written, '', isClientField);
  } catch (error) {
    const homes = error instanceof UnknownFieldError ? homesOf(error.unknown, LAUNCH_SCHEMA, '') : [];
    if (!(error instanceof UnknownFieldError) || homes.length === 0) throw error;
    throw new ConfigurationError(error.field, `is not a known field there; move it: ${homes.join(' or ')}.`);
  }
}

const LAUNCH_SCHEMA = objectSchema(LAUNCH_FIELDS);

/** Where a field of that name belongs, such as `"hypervisor.timeSlice"`. */
function homesOf(name: string, { properties = {} }: JsonSchema, path: string): string[] {
  return Object.entries(properties).flatMap(([key, schema]) => [
    ...(key === name ? [`"${path}${key}"`] : []),
    ...homesOf(name, schema, `${path}${key}.`),
    ...(schema.items ? homesOf(name, schema.items, `${path}${key}[0].`) : []),
  ]);
}

type NamedGuest = ParsedGuest & Pick<GuestLaunch, 'name' | 'field'>;

function chooseGuests(program: string | undefined, guests: readonly ParsedGuest[] | undefined): readonly ParsedGuest[] {
  if (guests === undefined) {
    if (program === undefined) {
      throw new ConfigurationError('program', 'is missing: name the guest kernel (an ELF file) to debug.');
    }
    return [parseObject(GUEST_FIELDS, { program }, '')];
  }
  if (program !== undefined) {
    throw new ConfigurationError('program', 'cannot be used together with "guests"; remove one of them.');
  }
  if (guests.length === 0) throw new ConfigurationError('guests', 'must name at least one guest.');
  return guests;
}

/** Every guest gets a name that is its own: the one written, or the program's file name without extension. */
function nameGuests(guests: readonly ParsedGuest[], isProgram: boolean): readonly NamedGuest[] {
  const taken = new Set<string>();
  for (const [index, guest] of guests.entries()) {
    if (guest.name === undefined) continue;
    if (taken.has(guest.name)) {
      throw new ConfigurationError(`guests[${index}].name`, `is "${guest.name}" like another guest's; choose another.`);
    }
    taken.add(guest.name);
  }
  return guests.map((guest, index) => {
    const field = isProgram ? 'program' : `guests[${index}]`;
    if (guest.name !== undefined) return { ...guest, name: guest.name, field };
    const file = guest.program.split(/[\\/]/).pop() ?? '';
    const base = file.replace(/\.[^.]+$/, '') || 'guest';
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
    taken.add(name);
    return { ...guest, name, field };
  });
}
