/** launch, configurationDone, restart, terminate. */
import { DebuggerError, FileError } from '../../debugger/errors';
import { ConfigurationError } from '../../protocol/fields';
import { parseLaunch } from '../../protocol/launch-configuration';
import type { GuestLaunch, Launch } from '../../protocol/launch-configuration';
import type { SessionOptions } from '../../debugger/session-options';
import type { Connection } from '../connection';
import { readFiles } from '../files';
import type { RequestHandlers } from '../request-handlers';

export const lifecycleRequests = {
  async launch(connection, args) {
    const launch = parseLaunch(args);
    const options = await readFiles(launch, connection.sockets);
    configure(connection, launch);
    withField(launch, () => connection.session.load(options));
    connection.launch = launch;
    connection.events.initialized();
  },

  configurationDone(connection) {
    connection.session.start();
  },

  async restart(connection, args) {
    const written = (args?.arguments as Record<string, unknown> | undefined) ?? undefined;
    const launch = written ? parseLaunch(written) : connection.launch;
    if (!launch) throw new DebuggerError('There is nothing to restart: no program has been launched.');
    const options: SessionOptions = await readFiles(launch, connection.sockets);
    configure(connection, launch);
    connection.references.clear();
    await connection.session.restart(options).catch((error: unknown) => withField(launch, () => rethrow(error)));
    connection.launch = launch;
  },

  async terminate(connection) {
    await connection.dispose();
    connection.events.terminated();
  },
} satisfies Partial<RequestHandlers>;

function configure(connection: Connection, launch: Launch): void {
  connection.consoles.asEvents = launch.consoleEvents && launch.console === 'integratedTerminal';
  const programs = launch.guests.flatMap(({ program, symbols }) => [program, ...(symbols ?? [])]);
  connection.sources.configure(launch.sourceMap, programs);
}

/** Errors of loading say which file; the user also wants to know which field named it. */
function withField(launch: Launch, load: () => void): void {
  try {
    load();
  } catch (error) {
    if (!(error instanceof DebuggerError)) throw error;
    const named = error instanceof FileError ? fieldNaming(launch, error.path) : undefined;
    const [guest] = launch.guests;
    const field = named ?? (launch.guests.length > 1 || !guest ? 'guests' : programField(guest));
    throw new ConfigurationError(field, `cannot be run: ${error.message}`);
  }
}

/** The field that a file was named in. */
function fieldNaming({ firmware, guests }: Launch, path: string): string | undefined {
  if (path === firmware) return 'firmware';
  for (const guest of guests) {
    if (path === guest.program) return programField(guest);
    const index = guest.symbols?.indexOf(path) ?? -1;
    if (index >= 0) return `${guest.field}.symbols[${index}]`;
  }
  return undefined;
}

function programField({ field }: GuestLaunch): string {
  return field === 'program' ? field : `${field}.program`;
}

function rethrow(error: unknown): never {
  throw error;
}
