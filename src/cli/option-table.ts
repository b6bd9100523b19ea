/** The options of `hypocaust run`: one table for parsing, checking and the help text. */

export interface OptionDescription {
  readonly name: string;
  /** What stands for the value in the help text; absent: a switch. */
  readonly value?: string;
  /** It may be given more than once. */
  readonly repeatable?: boolean;
  /** Absent: for our own measurements, and not in the help text. */
  readonly help?: string;
}

export const RUN_OPTIONS = [
  { name: 'bare', help: 'run the kernel in S-mode on the machine itself, without the hypervisor' },
  { name: 'machine-mode', help: 'with --bare: start the image in M-mode, without firmware' },
  { name: 'firmware', value: 'FILE', help: 'M-mode code in place of the built-in SBI, such as OpenSBI' },
  { name: 'dtb', value: 'FILE', help: 'with --bare: a device tree in place of the generated one' },
  { name: 'guest-memory', value: 'SIZE', help: "the guest's memory, such as 128M (the default) or 1G" },
  { name: 'harts', value: 'N', help: 'harts (processors) of the machine, 1 to 8; else 1, or one for each vCPU' },
  { name: 'vcpus', value: 'N', help: 'vCPUs of each guest, 1 to 4; they share harts where there are fewer' },
  {
    name: 'time-slice',
    value: 'N',
    help: 'instructions that a vCPU has a hart for while others wait for it; else 100000',
  },
  {
    name: 'guest-time',
    value: 'KIND',
    help: "while others have a guest's harts, its time goes-on (the default) or stops",
  },
  {
    name: 'extensions',
    value: 'LIST',
    help: 'extensions that the machine has, or with a minus has not: zicond,-zba',
  },
  {
    name: 'synchronization',
    value: 'KIND',
    help: "shadow page tables follow the guest's at sfence (the default), or by write-protect",
  },
  { name: 'append', value: 'STR', help: 'kernel command line' },
  { name: 'initrd', value: 'FILE', help: 'initial RAM disk' },
  {
    name: 'disk',
    value: 'FILE[,rw]',
    repeatable: true,
    help: 'a disk; with ,rw writes go to the file, else they are forgotten',
  },
  { name: 'devices', value: 'LIST', help: 'further virtio devices: entropy, console, network' },
  {
    name: 'share',
    value: '[TAG=]FOLDER[,rw]',
    repeatable: true,
    help: 'a folder to mount (9p, tag "share"), read-only unless ,rw is given',
  },
  {
    name: 'forward',
    value: 'HOST:GUEST',
    repeatable: true,
    help: "a port of 127.0.0.1 that leads to the guest's, 8080:80 or udp:8053:53",
  },
  {
    name: 'reach',
    value: 'HOST[:GATEWAY]',
    repeatable: true,
    help: 'a port of 127.0.0.1 that the guest reaches at 10.0.2.2, 8000 or udp:8053:53',
  },
  {
    name: 'passthrough',
    help: "the devices are the machine's own, and the guest drives them; without it they are emulated",
  },
  { name: 'virtio', value: 'VERSION', help: 'legacy (the default, as in QEMU) or modern' },
  { name: 'rtc', value: 'TIME', help: "the clock's start, 2024-02-29T12:00:00Z; else the host's time" },
  { name: 'clock', value: 'KIND', help: "time is virtual (the default: runs are alike), or realtime: the host's" },
  { name: 'expect', value: 'REGEX', help: 'end with status 0 when the console matches, 1 when the guest ends without' },
  { name: 'max-instructions', value: 'N', help: 'end with status 124 after N instructions' },
  { name: 'timeout', value: 'SECONDS', help: 'end with status 124 after so much time' },
  { name: 'snapshot', value: 'FILE', help: 'go on from a snapshot, which a run with the same options has saved' },
  { name: 'save-snapshot', value: 'FILE', help: 'save a snapshot when the run ends before the guest does' },
  {
    name: 'stats',
    value: 'FILE',
    help: 'write instructions, seconds, mips and what VM exits there were as JSON; -: as text',
  },
  { name: 'exit-log', value: 'N[,KIND…]', help: 'show the last N VM exits at the end, perhaps of some kinds only' },
  {
    name: 'stale-translations',
    value: 'MODE',
    help: 'a page-table entry used after a change without sfence.vma: log (the default), stop (status 1) or ignore',
  },
  { name: 'engine-without', value: 'TECHNIQUE[,TECHNIQUE]' },
] as const satisfies readonly OptionDescription[];

/** The options as lines of help. */
export function optionHelp(): string {
  const left = (option: OptionDescription) => `--${option.name}${option.value ? ` ${option.value}` : ''}`;
  const described = (option: OptionDescription) =>
    option.help === undefined ? [] : [`  ${left(option).padEnd(22)}${option.help}`];
  return RUN_OPTIONS.flatMap(described).join('\n');
}

export type OptionName = (typeof RUN_OPTIONS)[number]['name'];
