# Starts a benchmark in M-mode at the beginning of DRAM: stack, main, and the end through the test finisher.
    .section .text.start, "ax"
    .globl _start
_start:
    la      sp, stack_end
    call    main
    li      t0, 0x100000
    li      t1, 0x5555
    sw      t1, 0(t0)
1:  j       1b

    .bss
    .align  4
    .skip   65536
stack_end:
