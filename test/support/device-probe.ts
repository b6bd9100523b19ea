/** A bare-metal program that looks at the machine's devices as a driver does, and prints what it finds in hexadecimal. */

const VIRTIO = 0x10001000;
const QUEUE = 0x80010000;
const HEADER = 0x80020000;
const DATA = 0x80021000;
const STATUS = 0x80022000;

/** Prints the words at these offsets from the address in s0. */
function show(...offsets: readonly number[]): string {
  return offsets.map((offset) => `lw a0, ${offset}(s0)\ncall print\n`).join('');
}

function store(offset: number, value: number): string {
  return `li t0, ${value}\nsw t0, ${offset}(s0)\n`;
}

/** A descriptor of the queue: address, length, flags, next. */
function descriptor(index: number, address: number, length: number, flags: number, next: number): string {
  const at = QUEUE + 16 * index;
  return `li t1, ${at}\nli t0, ${address}\nsd t0, 0(t1)\nli t0, ${length}\nsw t0, 8(t1)\nli t0, ${flags | (next << 16)}\nsw t0, 12(t1)\n`;
}

/** Goes through all slots, then reads sector 1 of the disk in the first through a legacy queue of eight. */
export const DEVICE_PROBE = `
_start:
  li sp, 0x80008000
  ${Array.from({ length: 8 }, (_, slot) => `li s0, ${VIRTIO + 0x1000 * slot}\n${show(0, 4, 8, 12, 16)}`).join('')}
  li s0, ${VIRTIO}
  ${show(0x34, 0x100, 0x104, 0x10c, 0x110, 0x114)}
  ${store(0x70, 0)}
  ${store(0x70, 1)}
  ${store(0x70, 3)}
  ${store(0x20, 0)}
  ${store(0x28, 4096)}
  ${store(0x30, 0)}
  ${store(0x38, 8)}
  ${store(0x3c, 4096)}
  ${store(0x40, QUEUE / 4096)}
  ${store(0x70, 7)}
  ${show(0x40, 0x60, 0x70)}
  ${descriptor(0, HEADER, 16, 1, 1)}
  ${descriptor(1, DATA, 512, 3, 2)}
  ${descriptor(2, STATUS, 1, 2, 0)}
  li t1, ${HEADER}
  sd zero, 0(t1)
  li t0, 1
  sd t0, 8(t1)
  li t1, ${STATUS}
  li t0, 0xff
  sw t0, 0(t1)
  li t1, ${QUEUE + 128}
  sh zero, 4(t1)
  fence
  li t0, 1
  sh t0, 2(t1)
  fence
  ${store(0x50, 0)}
  li s1, ${QUEUE + 4096}
wait:
  lhu t0, 2(s1)
  beqz t0, wait
  fence
  ${show(0x60, 0x70)}
  ${store(0x64, 1)}
  ${show(0x60)}
  mv s0, s1
  ${show(0, 4, 8)}
  li s0, ${STATUS}
  ${show(0)}
  li s0, ${DATA}
  ${show(0, 4, 8, 0x1fc)}
  li s0, 0x101000
  ${show(8, 12, 16, 24)}
  lw a1, 0(s0)
  lw a0, 4(s0)
  call print
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
halt:
  j halt
print:
  li t0, 0x10000000
  li t1, 28
digit:
  srlw t2, a0, t1
  andi t2, t2, 15
  addi t3, t2, 48
  li t4, 10
  blt t2, t4, put
  addi t3, t3, 39
put:
  sb t3, 0(t0)
  addi t1, t1, -4
  bgez t1, digit
  li t3, 10
  sb t3, 0(t0)
  ret
`;
