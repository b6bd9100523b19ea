# The way from a user program into the kernel and back: all registers saved and loaded, as kernels do.
    .text
    .globl  run_user
run_user:
    la      t0, trap_entry
    csrw    stvec, t0
    li      t0, 0x100
    csrc    sstatus, t0             # SPP = U
    j       resume

    .align  2
trap_entry:
    csrrw   t6, sscratch, t6        # the frame
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    sd      x\n, 8 * \n(t6)
    .endr
    csrr    t0, sscratch
    sd      t0, 8 * 31(t6)
    csrr    t0, sepc
    sd      t0, 8 * 32(t6)
    mv      a0, t6
    la      sp, stack_end
    call    supervisor_trap
resume:
    csrw    sscratch, a0
    ld      t0, 8 * 32(a0)
    csrw    sepc, t0
    mv      t6, a0
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    ld      x\n, 8 * \n(t6)
    .endr
    ld      t6, 8 * 31(t6)
    sret

    .weak   supervisor_trap
supervisor_trap:
    j       unexpected_supervisor_trap
