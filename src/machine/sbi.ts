/**
 * The Supervisor Binary Interface: decodes a call and carries it out on a platform.
 * Specification: RISC-V Supervisor Binary Interface 2.0.
 */
import type { SbiFence, SbiHartStart, SbiHartState, SbiPlatform, SbiResetKind } from './sbi-platform';
import type { SbiErrorName, SbiExtensionInfo, SbiFunctionInfo, SbiFunctionName, SbiLegacyName } from './sbi-table';
import { SBI_ERRORS, sbiExtension, sbiFunction } from './sbi-table';

/** Version 2.0 as `sbi_get_spec_version` returns it. */
export const SBI_SPEC_VERSION = 0x0200_0000n;
/** "HPOC": far from the numbers that the specification has given out (0 to 11 in version 2.0). */
export const SBI_IMPL_ID = 0x4850_4f43n;
export const SBI_IMPL_VERSION = 1n;

/** A DBCN call moves at most so many bytes and says so; the program asks again for the rest. */
const CONSOLE_LIMIT = 1 << 20;
const ALL_HARTS = 0xffff_ffff_ffff_ffffn;
const RESET_KINDS: readonly SbiResetKind[] = ['shutdown', 'cold-reboot', 'warm-reboot'];
/** As `sbi_hart_get_status` returns them (table 9.1). */
const HART_STATES: Readonly<Record<SbiHartState, bigint>> = { started: 0n, stopped: 1n, suspended: 4n };
/** `suspend_type`: the two default types; all others are reserved or a platform's own, of which there are none. */
const RETENTIVE = 0n;
const NON_RETENTIVE = 0x8000_0000n;

/** A call as it stands in the registers, with its name. */
export interface SbiCall {
  /** `a7`, unsigned 32 bits. */
  readonly extension: number;
  /** `a6`, unsigned 32 bits; 0 for legacy calls. */
  readonly function: number;
  /** `a0` to `a5`, unsigned 64 bits. */
  readonly args: readonly bigint[];
  readonly legacy: boolean;
  /** As the specification writes it; `sbi_unknown` for a call that this SBI does not offer. */
  readonly name: string;
}

/** Unsigned 64-bit values, ready for the registers: `error` for `a0`, `value` for `a1`; a legacy call answers in `a0` alone. */
export type SbiAnswer = { readonly error: bigint; readonly value: bigint } | { readonly legacy: bigint };

interface Result {
  readonly error: SbiErrorName;
  readonly value?: bigint;
}

type Handler<R> = (platform: SbiPlatform, args: readonly bigint[]) => R;

const SUCCESS: Result = { error: 'SBI_SUCCESS' };
const fail = (error: SbiErrorName): Result => ({ error });
const success = (value: bigint): Result => ({ error: 'SBI_SUCCESS', value });

export class Sbi {
  constructor(private readonly platform: SbiPlatform) {}

  /** Reads a call from the registers `a0` to `a7` (unsigned 64 bits each). */
  decode(a: readonly bigint[]): SbiCall {
    // Extension and function numbers are 32 bits wide (section 3.1).
    const extension = Number(BigInt.asUintN(32, a[7]));
    const info = sbiExtension(extension);
    const legacy = info?.legacy ?? false;
    const number = legacy ? 0 : Number(BigInt.asUintN(32, a[6]));
    const name = (info && sbiFunction(info, number)?.name) ?? 'sbi_unknown';
    return { extension, function: number, args: a.slice(0, 6), legacy, name };
  }

  /** Carries the call out. A reset or shutdown returns too: the platform sees to it that the program does not go on. */
  call(call: SbiCall): SbiAnswer {
    if (call.legacy)
      return { legacy: BigInt.asUintN(64, LEGACY_HANDLERS[call.name as SbiLegacyName](this.platform, call.args)) };
    const handler = Object.hasOwn(HANDLERS, call.name) ? HANDLERS[call.name as SbiFunctionName] : undefined;
    const result = handler?.(this.platform, call.args) ?? fail('SBI_ERR_NOT_SUPPORTED');
    return {
      error: BigInt.asUintN(64, BigInt(SBI_ERRORS[result.error])),
      value: BigInt.asUintN(64, result.value ?? 0n),
    };
  }
}

/** A call's meaning in words, for the debugger; undefined for a call that the table does not name. */
export function describeSbiCall(
  call: SbiCall,
):
  { extension: SbiExtensionInfo; function: SbiFunctionInfo; arguments: { name: string; value: bigint }[] } | undefined {
  const extension = sbiExtension(call.extension);
  const info = extension && sbiFunction(extension, call.function);
  if (!extension || !info) return undefined;
  const args = info.arguments.map((name, index) => ({ name, value: call.args[index] }));
  return { extension, function: info, arguments: args };
}

/** The harts that a mask names, bit 0 standing for hart `base`; undefined when one of them does not exist. */
function hartsOf(platform: SbiPlatform, mask: bigint, base: bigint): number[] | undefined {
  const harts: number[] = [];
  if (base === ALL_HARTS) {
    for (let hart = 0; hart < platform.hartCount; hart++) harts.push(hart);
    return harts;
  }
  for (let bit = 0n; bit < 64n; bit++) {
    if (((mask >> bit) & 1n) === 0n) continue;
    if (base + bit >= BigInt(platform.hartCount)) return undefined;
    harts.push(Number(base + bit));
  }
  return harts;
}

function forHarts(platform: SbiPlatform, args: readonly bigint[], action: (hart: number) => void): Result {
  const harts = hartsOf(platform, args[0], args[1]);
  if (!harts) return fail('SBI_ERR_INVALID_PARAM');
  harts.forEach(action);
  return SUCCESS;
}

/** The legacy calls pass the virtual address of a mask; null means all harts. */
function forLegacyHarts(platform: SbiPlatform, args: readonly bigint[], action: (hart: number) => void): bigint {
  const mask = args[0] === 0n ? 0n : platform.readHartMask(args[0]);
  if (mask === undefined) return BigInt(SBI_ERRORS.SBI_ERR_INVALID_ADDRESS);
  const result = forHarts(platform, [mask, args[0] === 0n ? ALL_HARTS : 0n], action);
  return BigInt(SBI_ERRORS[result.error]);
}

/** The physical address of a DBCN range (`num_bytes`, low and high half of the address), which must lie in RAM. */
function consoleRange(platform: SbiPlatform, args: readonly bigint[]): { address: number; length: number } | undefined {
  const [bytes, low, high] = args;
  if (high !== 0n || low + bytes > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const range = { address: Number(low), length: Number(bytes) };
  return platform.isMemory(range.address, range.length) ? range : undefined;
}

function consoleWrite(platform: SbiPlatform, args: readonly bigint[]): Result {
  if (args[0] === 0n) return SUCCESS;
  const range = consoleRange(platform, args);
  const bytes = range && platform.readMemory(range.address, Math.min(range.length, CONSOLE_LIMIT));
  if (!bytes) return fail('SBI_ERR_INVALID_PARAM');
  platform.putBytes(bytes.slice());
  return success(BigInt(bytes.length));
}

function consoleRead(platform: SbiPlatform, args: readonly bigint[]): Result {
  if (args[0] === 0n) return SUCCESS;
  const range = consoleRange(platform, args);
  if (!range) return fail('SBI_ERR_INVALID_PARAM');
  const bytes: number[] = [];
  while (bytes.length < Math.min(range.length, CONSOLE_LIMIT)) {
    const byte = platform.getByte();
    if (byte < 0) break;
    bytes.push(byte);
  }
  if (!platform.writeMemory(range.address, Uint8Array.from(bytes))) return fail('SBI_ERR_FAILED');
  return success(BigInt(bytes.length));
}

function putByte(platform: SbiPlatform, value: bigint): void {
  platform.putBytes(Uint8Array.of(Number(value & 0xffn)));
}

function systemReset(platform: SbiPlatform, args: readonly bigint[]): Result {
  // Both parameters are 32 bits wide; all but these values are reserved or a platform's own.
  const kind = RESET_KINDS[Number(BigInt.asUintN(32, args[0]))];
  const reason = Number(BigInt.asUintN(32, args[1]));
  if (kind === undefined || reason > 1) return fail('SBI_ERR_INVALID_PARAM');
  platform.reset(kind, reason);
  return SUCCESS;
}

function isHart(platform: SbiPlatform, hart: bigint): boolean {
  return hart < BigInt(platform.hartCount);
}

/** Where a hart is to begin; undefined when no instruction can be there. */
function startOf(platform: SbiPlatform, address: bigint, opaque: bigint): SbiHartStart | undefined {
  if (address > BigInt(Number.MAX_SAFE_INTEGER) || (address & 1n) !== 0n) return undefined;
  return platform.isMemory(Number(address), 2) ? { address: Number(address), opaque } : undefined;
}

function hartStart(platform: SbiPlatform, [hart, address, opaque]: readonly bigint[]): Result {
  if (!isHart(platform, hart)) return fail('SBI_ERR_INVALID_PARAM');
  const start = startOf(platform, address, opaque);
  if (!start) return fail('SBI_ERR_INVALID_ADDRESS');
  if (platform.hartState(Number(hart)) !== 'stopped') return fail('SBI_ERR_ALREADY_AVAILABLE');
  platform.startHart(Number(hart), start);
  return SUCCESS;
}

function hartStop(platform: SbiPlatform): Result {
  platform.stopHart();
  return SUCCESS;
}

function hartSuspend(platform: SbiPlatform, [type, address, opaque]: readonly bigint[]): Result {
  // The type is 32 bits wide.
  switch (BigInt.asUintN(32, type)) {
    case RETENTIVE:
      platform.suspendHart();
      return SUCCESS;
    case NON_RETENTIVE: {
      const resume = startOf(platform, address, opaque);
      if (!resume) return fail('SBI_ERR_INVALID_ADDRESS');
      platform.suspendHart(resume);
      return SUCCESS;
    }
    default:
      return fail('SBI_ERR_INVALID_PARAM');
  }
}

function vmaFence(args: readonly bigint[], first: number, asid?: bigint): SbiFence {
  return { kind: 'sfence.vma', start: args[first], size: args[first + 1], ...(asid === undefined ? {} : { asid }) };
}

const HANDLERS: Readonly<Record<SbiFunctionName, Handler<Result>>> = {
  sbi_get_spec_version: () => success(SBI_SPEC_VERSION),
  sbi_get_impl_id: () => success(SBI_IMPL_ID),
  sbi_get_impl_version: () => success(SBI_IMPL_VERSION),
  sbi_probe_extension: (_, [id]) => success(sbiExtension(Number(BigInt.asUintN(32, id)))?.functions.length ? 1n : 0n),
  sbi_get_mvendorid: ({ identity }) => success(identity.mvendorid),
  sbi_get_marchid: ({ identity }) => success(identity.marchid),
  sbi_get_mimpid: ({ identity }) => success(identity.mimpid),

  sbi_set_timer(platform, [stime]) {
    platform.setTimer(stime);
    return SUCCESS;
  },
  sbi_send_ipi: (platform, args) => forHarts(platform, args, (hart) => platform.setSoftwareInterrupt(hart, true)),

  sbi_remote_fence_i: (platform, args) => forHarts(platform, args, (hart) => platform.fence(hart, { kind: 'fence.i' })),
  sbi_remote_sfence_vma: (platform, args) =>
    forHarts(platform, args, (hart) => platform.fence(hart, vmaFence(args, 2))),
  sbi_remote_sfence_vma_asid: (platform, args) =>
    forHarts(platform, args, (hart) => platform.fence(hart, vmaFence(args, 2, args[4]))),

  sbi_hart_start: hartStart,
  sbi_hart_stop: hartStop,
  sbi_hart_get_status: (platform, [hart]) =>
    isHart(platform, hart) ? success(HART_STATES[platform.hartState(Number(hart))]) : fail('SBI_ERR_INVALID_PARAM'),
  sbi_hart_suspend: hartSuspend,

  sbi_system_reset: systemReset,

  sbi_debug_console_write: consoleWrite,
  sbi_debug_console_read: consoleRead,
  sbi_debug_console_write_byte(platform, [byte]) {
    putByte(platform, byte);
    return SUCCESS;
  },
};

const LEGACY_HANDLERS: Readonly<Record<SbiLegacyName, Handler<bigint>>> = {
  sbi_set_timer(platform, [stime]) {
    platform.setTimer(stime);
    return 0n;
  },
  sbi_console_putchar(platform, [ch]) {
    putByte(platform, ch);
    return 0n;
  },
  sbi_console_getchar: (platform) => BigInt(platform.getByte()),
  sbi_clear_ipi(platform) {
    platform.setSoftwareInterrupt(platform.hartId, false);
    return 0n;
  },
  sbi_send_ipi: (platform, args) => forLegacyHarts(platform, args, (hart) => platform.setSoftwareInterrupt(hart, true)),
  sbi_remote_fence_i: (platform, args) =>
    forLegacyHarts(platform, args, (hart) => platform.fence(hart, { kind: 'fence.i' })),
  sbi_remote_sfence_vma: (platform, args) =>
    forLegacyHarts(platform, args, (hart) => platform.fence(hart, vmaFence(args, 1))),
  sbi_remote_sfence_vma_asid: (platform, args) =>
    forLegacyHarts(platform, args, (hart) => platform.fence(hart, vmaFence(args, 1, args[3]))),
  sbi_shutdown(platform) {
    platform.reset('shutdown', 0);
    return 0n;
  },
};
