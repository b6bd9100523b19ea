/**
 * The device tree of this machine, node for node what QEMU 7.2 writes for `virt`, as far as the devices are here.
 * Specification: Devicetree Specification 0.4, chapter 3; the bindings are Linux's (riscv/cpus, sifive,clint,
 * sifive,plic, serial/8250, google,goldfish-rtc, virtio,mmio, power/reset/syscon-poweroff).
 */
import { VIRT } from './devices/virt-map';
import type { FdtNode } from './fdt';
import { cells64, encodeFdt } from './fdt';
import { readFdt } from './fdt-read';

export type TreeDevice = 'clint' | 'plic' | 'uart' | 'finisher' | 'rtc' | 'virtio';

export interface DeviceTreeOptions {
  /** Physical address and size of RAM in bytes, as the program sees them. */
  readonly memoryBase: number;
  readonly memoryBytes: number;
  readonly harts: number;
  /** The property `riscv,isa`, such as "rv64imac_zicsr_zifencei". */
  readonly isa: string;
  /** The largest page-table format that satp takes; Sv39 unless said otherwise. */
  readonly mmuType?: 'riscv,sv39' | 'riscv,sv48' | 'riscv,sv57' | 'riscv,none';
  /** The devices that the tree shows; all unless said otherwise. */
  readonly devices?: readonly TreeDevice[];
  /** The kernel's command line. */
  readonly bootargs?: string;
  /** Physical addresses of the initial RAM disk: its first byte, and the first byte after it. */
  readonly initrd?: { readonly start: number; readonly end: number };
  /** Node of the console; the serial port unless said otherwise. */
  readonly stdoutPath?: string;
  /** What Linux seeds its random numbers with; without it two runs stay alike too, and Linux takes longer to boot. */
  readonly rngSeed?: Uint8Array;
}

const ALL_DEVICES: readonly TreeDevice[] = ['clint', 'plic', 'uart', 'finisher', 'rtc', 'virtio'];

/** Interrupt numbers at a hart's own controller (`mcause`/`scause` codes). */
const MACHINE_SOFTWARE = 3;
const MACHINE_TIMER = 7;
const SUPERVISOR_EXTERNAL = 9;
const MACHINE_EXTERNAL = 11;

/** The flattened device tree (version 17) for a machine. */
export function buildDeviceTree(options: DeviceTreeOptions): Uint8Array {
  return encodeFdt(describeMachine(options));
}

/**
 * A user's own tree, with what a loader adds in `/chosen`: the command line, if there is one, and the initial RAM disk.
 * @throws FdtError for what is no device tree
 */
export function completeDeviceTree(
  blob: Uint8Array,
  options: Pick<DeviceTreeOptions, 'bootargs' | 'initrd'>,
): Uint8Array {
  const { root, bootHart, reservations } = readFdt(blob);
  const { bootargs, initrd } = options;
  const added = { ...(initrd && initrdProperties(initrd)), ...(bootargs !== undefined && { bootargs }) };
  const children = root.children ?? [];
  const isChosen = ({ name }: FdtNode) => name === 'chosen';
  const old: FdtNode = children.find(isChosen) ?? { name: 'chosen', properties: {} };
  const chosen: FdtNode = { ...old, properties: { ...old.properties, ...added } };
  const others = children.filter((child) => !isChosen(child));
  return encodeFdt({ ...root, children: [chosen, ...others] }, bootHart, reservations);
}

interface Context {
  readonly options: DeviceTreeOptions;
  readonly devices: ReadonlySet<TreeDevice>;
  readonly plicHandle: number;
  readonly finisherHandle: number;
}

function describeMachine(options: DeviceTreeOptions): FdtNode {
  const context: Context = {
    options,
    devices: new Set(options.devices ?? ALL_DEVICES),
    plicHandle: 2 * options.harts + 1,
    finisherHandle: 2 * options.harts + 2,
  };
  return {
    name: '',
    properties: {
      '#address-cells': 2,
      '#size-cells': 2,
      compatible: 'riscv-virtio',
      model: 'riscv-virtio,qemu',
    },
    children: [
      chosen(context),
      ...(context.devices.has('finisher')
        ? [syscon('poweroff', 0x5555, context), syscon('reboot', 0x7777, context)]
        : []),
      {
        name: `memory@${options.memoryBase.toString(16)}`,
        properties: { device_type: 'memory', reg: range(options.memoryBase, options.memoryBytes) },
      },
      cpus(options),
      soc(context),
    ],
  };
}

function chosen({ options, devices }: Context): FdtNode {
  const { bootargs, initrd, rngSeed } = options;
  const stdoutPath = options.stdoutPath ?? (devices.has('uart') ? serialPath() : undefined);
  return {
    name: 'chosen',
    properties: {
      ...(initrd && initrdProperties(initrd)),
      ...(rngSeed && { 'rng-seed': rngSeed }),
      ...(bootargs !== undefined && { bootargs }),
      ...(stdoutPath !== undefined && { 'stdout-path': stdoutPath }),
    },
  };
}

function initrdProperties({ start, end }: { start: number; end: number }): FdtNode['properties'] {
  return { 'linux,initrd-end': address(end), 'linux,initrd-start': address(start) };
}

function syscon(name: 'poweroff' | 'reboot', value: number, { finisherHandle }: Context): FdtNode {
  return { name, properties: { value, offset: 0, regmap: finisherHandle, compatible: `syscon-${name}` } };
}

/** QEMU hands out handles from the last hart to the first: to the hart, then to its interrupt controller. */
function hartHandle(harts: number, hart: number): number {
  return 2 * (harts - 1 - hart) + 1;
}

function controllerHandle(harts: number, hart: number): number {
  return hartHandle(harts, hart) + 1;
}

function cpus({ harts, isa, mmuType }: DeviceTreeOptions): FdtNode {
  const indices = Array.from({ length: harts }, (_, hart) => hart);
  return {
    name: 'cpus',
    properties: { '#address-cells': 1, '#size-cells': 0, 'timebase-frequency': VIRT.timebaseFrequency },
    children: [
      ...indices.map((hart) => ({
        name: `cpu@${hart.toString(16)}`,
        properties: {
          phandle: hartHandle(harts, hart),
          device_type: 'cpu',
          reg: hart,
          status: 'okay',
          compatible: 'riscv',
          'riscv,isa': isa,
          'mmu-type': mmuType ?? 'riscv,sv39',
        },
        children: [
          {
            name: 'interrupt-controller',
            properties: {
              '#interrupt-cells': 1,
              'interrupt-controller': true as const,
              compatible: 'riscv,cpu-intc',
              phandle: controllerHandle(harts, hart),
            },
          },
        ],
      })),
      {
        name: 'cpu-map',
        properties: {},
        children: [
          {
            name: 'cluster0',
            properties: {},
            children: indices.map((hart) => ({ name: `core${hart}`, properties: { cpu: hartHandle(harts, hart) } })),
          },
        ],
      },
    ],
  };
}

/** Nodes of the devices, in QEMU's order. */
const DEVICE_NODES: readonly (readonly [TreeDevice, (context: Context) => FdtNode | readonly FdtNode[]])[] = [
  ['rtc', rtc],
  ['uart', serial],
  ['finisher', finisher],
  ['virtio', virtioSlots],
  ['plic', plic],
  ['clint', clint],
];

function soc(context: Context): FdtNode {
  return {
    name: 'soc',
    properties: { '#address-cells': 2, '#size-cells': 2, compatible: 'simple-bus', ranges: true },
    children: DEVICE_NODES.filter(([device]) => context.devices.has(device)).flatMap(([, node]) => node(context)),
  };
}

function rtc(context: Context): FdtNode {
  return {
    name: `rtc@${VIRT.rtc.base.toString(16)}`,
    properties: {
      ...interrupt(VIRT.rtc.irq, context),
      reg: range(VIRT.rtc.base, VIRT.rtc.size),
      compatible: 'google,goldfish-rtc',
    },
  };
}

/** All slots, whether a device is in them or not: empty ones say so themselves. The last comes first, as in QEMU. */
function virtioSlots(context: Context): FdtNode[] {
  const { base, stride, treeSize, irq, slots } = VIRT.virtio;
  const nodes = Array.from({ length: slots }, (_, slot) => ({
    name: `virtio_mmio@${(base + slot * stride).toString(16)}`,
    properties: {
      ...interrupt(irq + slot, context),
      reg: range(base + slot * stride, treeSize),
      compatible: 'virtio,mmio',
    },
  }));
  return nodes.toReversed();
}

/** What says that a device has this interrupt, where there is a controller for it. */
function interrupt(irq: number, { devices, plicHandle }: Context): FdtNode['properties'] {
  return devices.has('plic') ? { interrupts: irq, 'interrupt-parent': plicHandle } : {};
}

function serialPath(): string {
  return `/soc/serial@${VIRT.uart.base.toString(16)}`;
}

function serial(context: Context): FdtNode {
  return {
    name: `serial@${VIRT.uart.base.toString(16)}`,
    properties: {
      ...interrupt(VIRT.uart.irq, context),
      'clock-frequency': VIRT.uart.clockFrequency,
      reg: range(VIRT.uart.base, VIRT.uart.treeSize),
      compatible: 'ns16550a',
    },
  };
}

function finisher({ finisherHandle }: Context): FdtNode {
  return {
    name: `test@${VIRT.finisher.base.toString(16)}`,
    properties: {
      phandle: finisherHandle,
      reg: range(VIRT.finisher.base, VIRT.finisher.size),
      compatible: ['sifive,test1', 'sifive,test0', 'syscon'],
    },
  };
}

function plic({ options, plicHandle }: Context): FdtNode {
  return {
    name: `plic@${VIRT.plic.base.toString(16)}`,
    properties: {
      phandle: plicHandle,
      'riscv,ndev': VIRT.plic.sources,
      reg: range(VIRT.plic.base, VIRT.plic.size),
      'interrupts-extended': hartInterrupts(options.harts, MACHINE_EXTERNAL, SUPERVISOR_EXTERNAL),
      'interrupt-controller': true,
      compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
      '#address-cells': 0,
      '#interrupt-cells': 1,
    },
  };
}

function clint({ options }: Context): FdtNode {
  return {
    name: `clint@${VIRT.clint.base.toString(16)}`,
    properties: {
      'interrupts-extended': hartInterrupts(options.harts, MACHINE_SOFTWARE, MACHINE_TIMER),
      reg: range(VIRT.clint.base, VIRT.clint.treeSize),
      compatible: ['sifive,clint0', 'riscv,clint0'],
    },
  };
}

/** Two interrupts of every hart, as pairs of controller and interrupt number. */
function hartInterrupts(harts: number, first: number, second: number): number[] {
  return Array.from({ length: harts }, (_, hart) => controllerHandle(harts, hart)).flatMap((handle) => [
    handle,
    first,
    handle,
    second,
  ]);
}

function range(base: number, size: number): number[] {
  return [...cells64(base), ...cells64(size)];
}

/** An address in one cell, as QEMU writes it, or in two where one is too small; Linux reads either. */
function address(value: number): number[] {
  return value < 2 ** 32 ? [value] : cells64(value);
}
