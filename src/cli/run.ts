/** `hypocaust run`: a kernel with its console on the terminal, until it ends or a limit is reached. */
import { basename } from 'node:path';
import type { End, System } from '../debugger/systems/system';
import { BareSystem } from '../debugger/systems/bare-system';
import type { DeviceInput } from '../debugger/systems/device-input';
import { HypervisedSystem } from '../debugger/systems/hypervised-system';
import type { ExitRecorderOptions } from '../hypervisor/insight/exit-recorder';
import type { Scheduler } from '../debugger/run-loop';
import { RunClock } from '../debugger/run-clock';
import { RunLoop } from '../debugger/run-loop';
import { DEFAULT_MEMORY_BYTES } from '../machine/machine';
import { hostMilliseconds } from '../adapter/host-clock';
import { HostSockets } from '../adapter/host-sockets';
import { openDisk, refuseSharedDisks } from '../adapter/disk-file';
import { openSharedFolder } from '../adapter/shared-folder';
import { hostTime } from '../adapter/host-time';
import { translationThread } from '../adapter/translation-thread';
import { Expectation } from './expectation';
import { GuestLines } from './guest-lines';
import { readFirmware, readKernel } from './kernel-file';
import type { RunOptions } from './options';
import { parseRunOptions } from './options';
import { figuresOf, writeFigures } from './run-figures';
import { restoreFrom, saveTo } from './snapshot-files';
import { StaleReports } from './stale-reports';
import { Terminal } from './terminal';
import { finishReading, readUserFile, UserFile } from './user-file';

export { optionHelp } from './option-table';

/** Exit status when a limit is reached, as `timeout` of GNU coreutils has it. */
export const LIMIT_STATUS = 124;
/** Exit status when nobody reads the console any more: as of a process that SIGPIPE ended. */
const OUTPUT_CLOSED_STATUS = 141;
/** Bytes of input inside that the guest has not read, from which on no more is read from outside. */
const ENOUGH_INPUT = 1 << 16;

/** Exit status when a stale translation ended the run. */
const STALE_STATUS = 1;

const scheduler: Scheduler = {
  now: hostMilliseconds,
  soon: (callback) => void setImmediate(callback),
  later: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Boots what the options name. @throws Error in a user's words */
async function boot(options: RunOptions, hostTicks: (() => number) | undefined, sockets: HostSockets): Promise<System> {
  // Guests over firmware are loaded twice, and the firmware runs in between.
  const atOnce = !options.bare && options.firmware !== undefined;
  const { program, htif } = readKernel(options.kernel, options.machineMode, atOnce);
  const others = options.others.map((path) => ({
    name: basename(path),
    program: readKernel(path, false, atOnce).program,
  }));
  const disk = options.initrd === undefined ? undefined : new UserFile(options.initrd, 'initial RAM disk');
  const initrd = atOnce ? disk?.bytes() : disk;
  const name = basename(options.kernel);
  const { extensions, engineWithout, vcpus, harts } = options;
  const translation = translationThread();
  const machine = {
    extensions,
    engineWithout,
    ...(translation && { translation }),
    ...(harts !== undefined && { harts }),
    ...(hostTicks && { hostTicks }),
  };
  const extras = { ...(initrd && { initrd }), ...(options.append !== undefined && { bootargs: options.append }) };
  const { firmware, dtb } = options;
  const beneath = firmware === undefined ? {} : { firmware: readFirmware(firmware) };
  const devices = await openDevices(options, sockets);
  if (options.bare) {
    const mode = options.machineMode ? 'machine' : 'supervisor';
    const found = {
      ...beneath,
      ...(dtb !== undefined && { deviceTree: readUserFile(dtb, 'device tree') }),
    };
    const description = { program, mode, ...found, ...extras, ...(htif && { htif }) } as const;
    const memoryBytes = options.guestMemory ?? DEFAULT_MEMORY_BYTES;
    return new BareSystem({ ...machine, memoryBytes }, name, description, devices);
  }
  const vcpuCount = vcpus === undefined ? {} : { vcpus };
  const memory = options.guestMemory === undefined ? {} : { memoryBytes: options.guestMemory };
  const { synchronization, staleTranslations, timeSlice } = options;
  const own = options.passthrough ? { passthrough: slotsOf(devices) } : { devices };
  const setup = {
    ...(options.passthrough && { devices }),
    guests: distinct([
      { name, program, ...memory, ...vcpuCount, ...extras, ...own },
      ...others.map((other) => ({
        ...other,
        ...memory,
        ...vcpuCount,
        ...extras,
        devices: { rtcStart: devices.rtcStart },
      })),
    ]),
    synchronization,
    findsStaleTranslations: staleTranslations !== 'ignore',
    ...(timeSlice !== undefined && { timeSlice }),
    stopsGuestTime: options.guestTime === 'stops',
    ...beneath,
  };
  return new HypervisedSystem(machine, setup, exitRecording(options));
}

/** Guests of the same program get numbers. */
function distinct<T extends { readonly name: string }>(guests: readonly T[]): T[] {
  const names = guests.map(({ name }) => name);
  return guests.map((guest, index) => {
    const before = names.slice(0, index).filter((name) => name === guest.name).length;
    return before === 0 ? guest : { ...guest, name: `${guest.name}-${before + 1}` };
  });
}

/** As `boot`, and then as the snapshot says, if there is one. @throws Error in a user's words */
async function start(...args: Parameters<typeof boot>): Promise<System> {
  const system = await boot(...args);
  const [{ initrd, snapshot }] = args;
  if (initrd !== undefined) translationThread()?.prepare();
  await finishReading();
  if (snapshot !== undefined) restoreFrom(snapshot, system);
  return system;
}

function save(system: System, path: string, hasEnded: boolean): void {
  if (hasEnded) process.stderr.write('\nhypocaust: the guest has ended, so that no snapshot is saved.\n');
  else saveTo(path, system);
}

/** The devices of the machine, or of the guest. */
async function openDevices(options: RunOptions, sockets: HostSockets): Promise<DeviceInput> {
  const { disks, devices, network, shares, virtio, rtc } = options;
  refuseSharedDisks(disks);
  const [host] = await sockets.open(network ? [network] : []);
  return {
    disks: disks.map(({ file, writable }) => openDisk(file, writable)),
    devices,
    shares: shares.map(({ folder, tag, writable }) => ({ tag, folder: openSharedFolder(folder, writable) })),
    ...(network && { network: { rules: network, host } }),
    ...(virtio && { virtioVersion: virtio }),
    rtcStart: rtc ?? hostTime(),
  };
}

/** The slots that devices take in a machine. */
function slotsOf({ disks = [], devices = [], shares = [], network }: DeviceInput): number[] {
  const hasCard = network !== undefined && !devices.includes('network');
  return [...disks, ...devices, ...shares, ...(hasCard ? [network] : [])].map((_, slot) => slot);
}

/** How VM exits are recorded: not at all, unless somebody wants to see something of it. */
function exitRecording({ stats, exitLog }: RunOptions): ExitRecorderOptions | undefined {
  if (stats === undefined && !exitLog) return undefined;
  const { size = 0, kinds } = exitLog ?? {};
  return { logSize: size, ...(kinds && { logKinds: kinds }), clock: hostMilliseconds };
}

/** The system, which executes no more than so many instructions. */
function withLimit(system: System, most: number): System {
  const run: System['run'] = (count) => system.run(Math.min(count, most - system.instructions));
  return Object.create(system, { run: { value: run } }) as System;
}

/**
 * Runs a kernel. Its output goes to standard output, standard input to it.
 * @param args those after `run`
 * @returns the exit status of the process
 * @throws UsageError, or Error in a user's words when the kernel cannot be started
 */
export async function run(args: readonly string[]): Promise<number> {
  const options = parseRunOptions(args);
  const clock = options.clock === 'realtime' ? new RunClock(() => scheduler.now()) : undefined;
  const sockets = new HostSockets();
  const system = await start(options, clock && (() => clock.ticks), sockets).catch((error: unknown) => {
    sockets.close();
    throw error;
  });
  const most = system.instructions + (options.maxInstructions ?? Infinity);
  const expectations: Expectation[] = [];
  let limitReached = false;
  let outputClosed = false;

  // Who asks for a virtio console wants to type there; what the serial port prints is seen, too.
  // With several guests, it is the first one's serial port.
  const isAlone = options.others.length === 0;
  const typed = system.consoles.filter(({ isFirmware }) => !isFirmware);
  const console = typed[isAlone ? typed.length - 1 : 0];
  system.onProblem = (message) => {
    terminal.flush();
    process.stderr.write(`\nhypocaust: ${message}\n`);
  };
  const terminal = new Terminal({
    resized: (columns, rows) => {
      console.resize?.(columns, rows);
      loop.wakeUp();
    },
    input: (bytes) => {
      if (!console.receive(bytes)) system.onProblem?.('the guest does not read its console: this input is lost.');
      terminal.holdInput(console.waiting >= ENOUGH_INPUT);
      loop.wakeUp();
    },
    quit: () => loop.pause(),
    outputClosed: () => {
      outputClosed = true;
      loop.pause();
    },
  });
  const lines = new GuestLines((bytes) => terminal.write(bytes));
  for (const each of system.consoles) {
    const expectation = options.expect && new Expectation(options.expect);
    if (expectation) expectations.push(expectation);
    each.onOutput = (bytes) => {
      if (isAlone) terminal.write(bytes);
      else lines.add(each.name, bytes);
      loop.noteOutput();
      expectation?.add(bytes);
    };
  }
  const isMet = () => expectations.some(({ met }) => met);
  const stale = new StaleReports(options.staleTranslations, options.kernel);
  stale.watch(system);
  const observer = {
    breakpoint: () => false,
    breakpoints: () => [],
    breakpointVersion: 0,
    check: () => {
      if (console.waiting < ENOUGH_INPUT) terminal.holdInput(false);
      limitReached ||= system.instructions >= most;
      return limitReached || isMet();
    },
  };
  const pacing = () => (terminal.interactive ? 'real-time' : 'skip');
  const loop = new RunLoop(withLimit(system, most), scheduler, observer, pacing, clock);
  if (system.input) system.input.onWaiting = () => loop.wakeUp();
  const stop = () => {
    limitReached = true;
    loop.pause();
  };
  const timer = options.timeout === undefined ? undefined : setTimeout(stop, options.timeout * 1000);
  const started = hostMilliseconds();
  try {
    const result = await loop.run();
    const seconds = (hostMilliseconds() - started) / 1000;
    terminal.flush();
    if (options.saveSnapshot !== undefined) save(system, options.saveSnapshot, result.kind === 'ended');
    await stale.flush();
    if (options.stats !== undefined || options.exitLog) {
      const { kernel, stats: output, exitLog } = options;
      const { exits } = system;
      const figures = figuresOf(system, seconds);
      if (exits) {
        const { writeStatistics } = await import('./statistics');
        writeStatistics(exits, figures, { output, exitLog: exitLog?.size ?? 0, kernel });
      } else {
        writeFigures(output, figures, []);
      }
    }
    if (stale.hasStopped) return STALE_STATUS;
    if (isMet()) return 0;
    if (outputClosed) return OUTPUT_CLOSED_STATUS;
    if (limitReached) {
      process.stderr.write(`\nhypocaust: the limit was reached after ${system.instructions} instructions.\n`);
      return LIMIT_STATUS;
    }
    if (options.expect) {
      process.stderr.write(`\nhypocaust: the console never matched ${String(options.expect)}.\n`);
      return 1;
    }
    return result.kind === 'ended' ? statusOf(result.end) : 0;
  } finally {
    clearTimeout(timer);
    terminal.close();
    sockets.close();
  }
}

/** Of the code that the guest gave the eight bits that a process can return; never 0 for a failure. */
function statusOf({ code }: End): number {
  return code === 0 ? 0 : code & 0xff || 1;
}
