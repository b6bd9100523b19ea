/** Where QEMU's `virt` machine (7.2) has what this machine has: addresses, sizes, interrupt numbers, frequencies. */

export const VIRT = {
  /** Where harts come out of reset. */
  rom: { base: 0x1000, size: 0xf000 },
  /** "sifive,test1": power off, reboot. */
  finisher: { base: 0x100000, size: 0x1000 },
  /** "google,goldfish-rtc". */
  rtc: { base: 0x101000, size: 0x1000, irq: 11 },
  /** The CLINT's registers end at 0xC000; the device tree announces 64 KiB. */
  clint: { base: 0x2000000, size: 0xc000, treeSize: 0x10000 },
  plic: { base: 0xc000000, size: 0x600000, sources: 96 },
  /** Eight registers answer; the device tree announces 0x100 bytes. */
  uart: { base: 0x10000000, size: 8, treeSize: 0x100, irq: 10, clockFrequency: 3_686_400 },
  /** Slot n lies n strides further and has interrupt n + 1; 0x200 bytes answer, the device tree announces 0x1000. */
  virtio: { base: 0x10001000, stride: 0x1000, size: 0x200, treeSize: 0x1000, irq: 1, slots: 8 },
  dram: { base: 0x80000000 },
  /** Ticks of `mtime` a second. */
  timebaseFrequency: 10_000_000,
  maxHarts: 8,
} as const;
