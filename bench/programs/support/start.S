# Starts a benchmark: from M-mode at the beginning of DRAM to `main` in S-mode, with Sv39 translation on. Ends through the
# test finisher.
    .section .text.start, "ax"
    .globl _start
_start:
    la      sp, machine_stack_end
    csrw    mscratch, sp
    la      t0, machine_trap
    csrw    mtvec, t0
    la      t0, unexpected_supervisor_trap
    csrw    stvec, t0
    # S-mode may access all memory (PMP), and read the counters.
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    li      t0, 7
    csrw    mcounteren, t0
    csrw    scounteren, t0
    # Page faults, breakpoints and calls from U-mode go to S-mode; so do its interrupts.
    li      t0, 0xb109
    csrw    medeleg, t0
    li      t0, 0x222
    csrw    mideleg, t0
    call    build_page_tables
    csrw    satp, a0
    sfence.vma
    li      t0, 0x1800
    csrc    mstatus, t0
    li      t0, 0x2800              # MPP = S, FS = initial
    csrs    mstatus, t0
    la      t0, supervisor
    csrw    mepc, t0
    mret

supervisor:
    la      sp, stack_end
    call    main
    .globl finish
finish:
    li      t0, 0x100000
    li      t1, 0x5555
    sw      t1, 0(t0)
1:  j       1b

# A trap that no program expects: its cause is printed, and the machine ends with a failure.
    .weak   machine_trap
    .align  2
machine_trap:
    csrrw   sp, mscratch, sp
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    j       unexpected_trap
    .align  2
    .globl  unexpected_supervisor_trap
unexpected_supervisor_trap:
    csrr    a0, scause
    csrr    a1, sepc
    csrr    a2, stval
    j       unexpected_trap

# How much of its work a program does: one image for both machines, and the same code for every length.
    .section .rodata
    .align  3
    .globl  rounds
rounds:
    .quad   ROUNDS

    .section .bss.stack, "aw", @nobits
    .align  4
    .skip   65536
    .globl  stack_end
stack_end:
    .skip   4096
machine_stack_end:
