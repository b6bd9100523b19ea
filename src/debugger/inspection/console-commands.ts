/** Commands for the debug console, beside expressions. */
import { DebuggerError } from '../errors';
import { explainAccess, explanationText, lastFault } from '../explain/why';
import { parseExitQuery } from '../exits/exit-query';
import { exitLogText, exitStatisticsText } from '../exits/exit-text';
import { hex } from '../format';
import type { Session } from '../session';
import type { Frame } from '../stack';
import type { AccessKind, AddressKind } from '../target';
import { translateAddress } from '../translate-address';
import { Disassembler } from '../disassembly';
import { numberInFrame } from './evaluate-in-frame';

interface Command {
  readonly usage: string;
  readonly description: string;
  run(session: Session, frame: Frame | undefined, rest: string): string;
}

const BYTES_PER_LINE = 16;
const MOST_LINES = 64;
const TICKS_PER_SECOND = 1e7;

export const COMMANDS: Readonly<Record<string, Command>> = {
  help: {
    usage: 'help',
    description: 'this list',
    run: () =>
      [
        ...Object.values(COMMANDS).map(({ usage, description }) => `${usage.padEnd(52)}${description}`),
        'Anything else is an expression: a0, satp.MODE, *(u64*)0x80200000, variable->member, pc + 4 …',
      ].join('\n'),
  },
  translate: {
    usage: 'translate [gva|gpa|hpa] ADDRESS [load|store|fetch]',
    description: 'an address translated to all other kinds, every step, and which virtual addresses lead there',
    run: (session, frame, rest) => translate(session, frame, rest),
  },
  why: {
    usage: 'why [ADDRESS [load|store|fetch]]',
    description: 'why an access fails, or would: by default the one that the guest stopped at, or its last trap',
    run: (session, frame, rest) => why(session, frame, rest),
  },
  memory: {
    usage: 'memory ADDRESS [LINES]',
    description: 'memory in hexadecimal, sixteen bytes a line',
    run: (session, frame, rest) => dump(session, frame, rest),
  },
  disassemble: {
    usage: 'disassemble [ADDRESS]',
    description: 'eight instructions, from pc unless told otherwise',
    run: (session, frame, rest) => disassembleLines(session, frame, rest),
  },
  exits: {
    usage: 'exits [N] [WHICH]',
    description:
      'what VM exits there were; with N or WHICH the last ones: exits 50, exits csrWrite, exits satp, exits at main',
    run: (session, frame, rest) => exits(session, frame, rest),
  },
  hold: {
    usage: 'hold [GUEST]',
    description: 'a guest executes nothing while the others go on, until "release"; by default that of this thread',
    run: (session, frame, rest) => hold(session, frame, rest, true),
  },
  release: {
    usage: 'release [GUEST]',
    description: 'a guest that is held goes on with the others',
    run: (session, frame, rest) => hold(session, frame, rest, false),
  },
};

/** The answer to a command; undefined when the text is none. @throws DebuggerError */
export function runCommand(session: Session, frame: Frame | undefined, source: string): string | undefined {
  const match = /^\s*([a-z]+)(?:\s+(.*))?$/s.exec(source);
  const command = match && Object.hasOwn(COMMANDS, match[1]!) ? COMMANDS[match[1]!] : undefined;
  return command?.run(session, frame, (match?.[2] ?? '').trim());
}

/** An address, perhaps its kind before it, perhaps an access behind it. */
const ADDRESS = /^(?:(gva|gpa|hpa|hva)\s+)?(.+?)(?:\s+(load|store|fetch))?$/is;

function translate(session: Session, frame: Frame | undefined, rest: string): string {
  const [, kind = 'gva', expression, access = 'load'] = ADDRESS.exec(rest) ?? [];
  if (expression === undefined) throw new DebuggerError('Say which address: translate ADDRESS, translate gpa ADDRESS.');
  const address = BigInt.asUintN(64, numberInFrame(session, frame, expression));
  const target = frame?.target ?? session.system.current;
  // The hypervisor maps DRAM one to one.
  const found = kind.toLowerCase().replace('hva', 'hpa') as AddressKind;
  return translateAddress(session, target, found, address, access.toLowerCase() as AccessKind).lines.join('\n');
}

function why(session: Session, frame: Frame | undefined, rest: string): string {
  const target = frame?.target ?? session.system.current;
  if (rest === '') return explanationText(explainAccess(session, target, lastFault(session, target))).join('\n');
  const [, kind, expression, access = 'load'] = ADDRESS.exec(rest) ?? [];
  if (expression === undefined || (kind !== undefined && kind.toLowerCase() !== 'gva')) {
    throw new DebuggerError('Accesses are made by virtual address: why ADDRESS [load|store|fetch].');
  }
  const address = BigInt.asUintN(64, numberInFrame(session, frame, expression));
  const asked = { address, access: access.toLowerCase() as AccessKind };
  return explanationText(explainAccess(session, target, asked)).join('\n');
}

function dump(session: Session, frame: Frame | undefined, rest: string): string {
  const match = /^(.*?)(?:\s+(\d+))?$/s.exec(rest);
  if (!match?.[1]) throw new DebuggerError('Say which address: memory ADDRESS.');
  const start = BigInt.asUintN(64, numberInFrame(session, frame, match[1]));
  const count = Math.min(MOST_LINES, Number(match[2] ?? 4));
  const memory = (frame?.target ?? session.system.current).memory('gva');
  return Array.from({ length: count }, (_, line) => {
    const address = start + BigInt(line * BYTES_PER_LINE);
    const bytes = memory.read(address, BYTES_PER_LINE);
    if (!bytes) return `${hex(address, 16)}: cannot be read`;
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    return `${hex(address, 16)}: ${digits}  ${text}`;
  }).join('\n');
}

function disassembleLines(session: Session, frame: Frame | undefined, rest: string): string {
  const target = frame?.target ?? session.system.current;
  const start = rest === '' ? (frame?.kind === 'code' ? frame.pc : target.pc) : numberInFrame(session, frame, rest);
  const rows = new Disassembler(target.memory('gva'), session.symbols).rows(BigInt.asUintN(64, start), 0, 8);
  return rows
    .map(({ address, text, isValid, label }) => {
      const line = `${hex(address ?? 0n, 16)}: ${isValid ? text : 'cannot be read'}`;
      return label ? `${label}:\n${line}` : line;
    })
    .join('\n');
}

function hold(session: Session, frame: Frame | undefined, rest: string, on: boolean): string {
  const { system, targets } = session;
  const name = rest === '' ? (frame?.target ?? system.current).guest : rest;
  session.hold(name, on);
  const held = [...new Set(targets.filter(({ standstill }) => standstill === 'held').map(({ guest }) => guest))];
  const others = held.length === 0 ? 'No guest is held.' : `Held: ${held.join(', ')}.`;
  return `Guest ${name} ${on ? 'is held' : 'goes on with the others'}. ${others}`;
}

function exits(session: Session, frame: Frame | undefined, rest: string): string {
  const { exitCounts, exits: recorder, instructions, time } = session.system;
  if (exitCounts.length === 0) return 'There is no hypervisor here, and so no VM exit.';
  if (recorder && rest !== '') {
    const query = parseExitQuery(rest, recorder, (place) => BigInt.asUintN(64, numberInFrame(session, frame, place)));
    const found = recorder.log?.last(query.most, query.filter) ?? [];
    return exitLogText(found, recorder.isTimed, session.symbols).join('\n');
  }
  const seconds = (Number(time) / TICKS_PER_SECOND).toFixed(3);
  const passed = `${instructions} instructions in ${seconds} s of virtual time.`;
  if (recorder) return [passed, ...exitStatisticsText(recorder, instructions, session.symbols)].join('\n');
  if (rest !== '')
    throw new DebuggerError('No VM exits are kept: set "hypervisor.exitLog" in the launch configuration.');
  const lines = exitCounts.flatMap(({ guest, counts }) => [
    `${guest}:`,
    ...Object.entries(counts)
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([kind, count]) => `  ${kind.padEnd(16)}${count}`),
  ]);
  return [passed, ...lines].join('\n');
}
