/** A program that reads a sector of a virtio disk, and the disk. */
import { VirtioBlock } from '../../src/machine/devices/virtio/block';
import { MemoryStorage } from '../../src/machine/devices/virtio/storage';

/** Where its queue lies; what it reads is 0x4000 behind. */
export const QUEUE = 0x80300000;

export const store = (offset: number, value: number) => `li t0, ${value}\nsw t0, ${offset}(s0)\n`;
export const word = (address: number, value: number | bigint) => `li t1, ${address}\nli t0, ${value}\nsd t0, 0(t1)\n`;

/** Lets source `irq` interrupt the supervisor, and waits for it; s2: scause, s3: what was claimed. */
export const awaitInterrupt = (irq: number) => `
  la t0, handler
  csrw stvec, t0
  li t1, 0xc000000
  li t0, 1
  sw t0, ${4 * irq}(t1)
  li t1, 0xc002080
  li t0, ${1 << irq}
  sw t0, 0(t1)
  li t0, 0x200
  csrw sie, t0
  csrsi sstatus, 2
wait: wfi
  j wait
.align 2
handler: csrr s2, scause
  li t1, 0xc201004
  lw s3, 0(t1)
`;

/** Reads sector 1 of a legacy disk in a slot, and waits for the interrupt; s3: what was claimed, s4: the first doubleword. */
export const readSector1 = (slot: number): string => `
  li s0, ${0x10001000 + 0x1000 * slot}
  lw s5, 8(s0)
  ${store(0x70, 0)}
  ${store(0x70, 3)}
  ${store(0x28, 4096)}
  ${store(0x38, 8)}
  ${store(0x40, QUEUE / 4096)}
  ${store(0x70, 7)}
  ${word(QUEUE, QUEUE + 0x3000)} ${word(QUEUE + 8, 16n | (1n << 32n) | (1n << 48n))}
  ${word(QUEUE + 16, QUEUE + 0x4000)} ${word(QUEUE + 24, 512n | (3n << 32n) | (2n << 48n))}
  ${word(QUEUE + 32, QUEUE + 0x5000)} ${word(QUEUE + 40, 1n | (2n << 32n))}
  ${word(QUEUE + 0x3000, 0)} ${word(QUEUE + 0x3008, 1)}
  ${word(QUEUE + 128, 1n << 16n)}
  ${store(0x50, 0)}
  ${awaitInterrupt(slot + 1)}
  li t1, ${QUEUE + 0x4000}
  ld s4, 0(t1)
`;

/** Its sector 1 holds 0x5a. */
export const disk = () => {
  const bytes = new Uint8Array(2048).fill(0x11).fill(0x5a, 512, 1024);
  return new VirtioBlock({ storage: new MemoryStorage(bytes) });
};
