// The first instructions of the kernel. The firmware jumps here in S-mode with paging off:
// a0 = number of this hart, a1 = physical address of the device tree.

    .cfi_sections .debug_frame

    .section .text
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined ra           // nobody called us: a debugger's stack trace ends here
    csrw    sie, zero           // no interrupt until we ask for one
    csrw    sscratch, zero      // "the kernel is running": see trap-entry.S
    la      t0, trap_entry
    csrw    stvec, t0

    la      t0, bss_start       // C expects that variables without initial value are zero
    la      t1, bss_end
clear_bss:
    bgeu    t0, t1, enter_c
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       clear_bss

enter_c:
    la      sp, kernel_stack_top
    li      s0, 0               // the end of the chain of frame pointers
    li      ra, 0
    call    kernel_main         // does not return
hang:
    wfi
    j       hang
    .cfi_endproc
    .size _start, . - _start
