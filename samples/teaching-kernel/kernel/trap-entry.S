// Where every trap arrives, and how the kernel enters and leaves user programs.
//
// A trap gives us only the program counter (sepc) and the cause. All other registers still belong to what was
// interrupted, so before C code may run they are saved in a struct trap_frame (trap.h). Where that lies depends on
// who was interrupted, and sscratch tells: it is 0 while the kernel runs, and points to the frame of the user
// program while that runs.

#include "trap-frame.h"

    .cfi_sections .debug_frame

// Registers x1 to x31 lie in order at the start of the frame. sp (x2) is the base here, so it is saved by hand.
.macro save_registers
    sd      x1, FRAME_RA(sp)
    .irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, 8 * (\n - 1)(sp)
    .endr
.endm

.macro restore_registers
    ld      x1, FRAME_RA(sp)
    .irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, 8 * (\n - 1)(sp)
    .endr
    ld      sp, FRAME_SP(sp)
.endm

.macro save_trap_csrs
    csrr    t0, sepc
    sd      t0, FRAME_SEPC(sp)
    csrr    t0, sstatus
    sd      t0, FRAME_SSTATUS(sp)
    csrr    t0, scause
    sd      t0, FRAME_SCAUSE(sp)
    csrr    t0, stval
    sd      t0, FRAME_STVAL(sp)
.endm

    .section .text

// ------------------------------------------------------------------------------------------------------------------
// stvec points here (its lowest two bits must be 0, hence the alignment).
    .balign 4
    .globl trap_entry
    .type trap_entry, @function
trap_entry:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_return_column 64       // not ra: we were not called
    csrrw   sp, sscratch, sp    // sp = 0, or the user program's frame; sscratch = the interrupted sp
    bnez    sp, trap_from_user

// The kernel itself was interrupted, or made a mistake. Its frame goes on its own stack.
trap_from_kernel:
    csrrw   sp, sscratch, zero  // both back as they were
    addi    sp, sp, -FRAME_SIZE
    save_registers
    addi    t0, sp, FRAME_SIZE
    sd      t0, FRAME_SP(sp)
    save_trap_csrs
    // For debuggers: the frame ends like that of a called function, with the interrupted function's frame pointer
    // and "return address", so that the stack trace goes on through the trap.
    ld      t0, FRAME_SEPC(sp)
    sd      t0, FRAME_LINK_PC(sp)
    sd      s0, FRAME_LINK_FP(sp)
    addi    s0, sp, FRAME_SIZE
    .cfi_def_cfa s0, 0
    .cfi_offset 64, FRAME_SEPC - FRAME_SIZE
    .cfi_offset ra, FRAME_RA - FRAME_SIZE
    .irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .cfi_offset \n, 8 * (\n - 1) - FRAME_SIZE
    .endr

    mv      a0, sp
    call    kernel_trap_handler // may change the frame, to go on elsewhere

    ld      t0, FRAME_SEPC(sp)
    csrw    sepc, t0
    ld      t0, FRAME_SSTATUS(sp)
    csrw    sstatus, t0
    restore_registers
    sret
    .cfi_endproc
    .size trap_entry, . - trap_entry

// ------------------------------------------------------------------------------------------------------------------
// void enter_user_mode(struct trap_frame *frame)
//
// Runs the user program whose registers are in the frame, until it traps. Then the registers are in the frame
// again, and this function returns like any other.
    .globl enter_user_mode
    .type enter_user_mode, @function
enter_user_mode:
    .cfi_startproc
    addi    sp, sp, -112
    .cfi_def_cfa_offset 112
    sd      ra, 104(sp)         // keep what a C function must preserve
    sd      s0, 96(sp)
    sd      s1, 88(sp)
    sd      s2, 80(sp)
    sd      s3, 72(sp)
    sd      s4, 64(sp)
    sd      s5, 56(sp)
    sd      s6, 48(sp)
    sd      s7, 40(sp)
    sd      s8, 32(sp)
    sd      s9, 24(sp)
    sd      s10, 16(sp)
    sd      s11, 8(sp)
    .cfi_offset ra, -8
    .cfi_offset s0, -16
    addi    s0, sp, 112
    sd      sp, FRAME_KERNEL_SP(a0)
    csrw    sscratch, a0        // "a user program is running"
    ld      t0, FRAME_SEPC(a0)
    csrw    sepc, t0
    ld      t0, FRAME_SSTATUS(a0)
    csrw    sstatus, t0         // SPP = 0: sret goes to U-mode
    mv      sp, a0
    restore_registers
    sret

trap_from_user:                 // sp = the frame, sscratch = the user program's sp
    save_registers
    csrrw   t0, sscratch, zero  // "the kernel is running"
    sd      t0, FRAME_SP(sp)
    save_trap_csrs
    ld      sp, FRAME_KERNEL_SP(sp)
    ld      ra, 104(sp)
    ld      s0, 96(sp)
    ld      s1, 88(sp)
    ld      s2, 80(sp)
    ld      s3, 72(sp)
    ld      s4, 64(sp)
    ld      s5, 56(sp)
    ld      s6, 48(sp)
    ld      s7, 40(sp)
    ld      s8, 32(sp)
    ld      s9, 24(sp)
    ld      s10, 16(sp)
    ld      s11, 8(sp)
    .cfi_restore ra
    .cfi_restore s0
    addi    sp, sp, 112
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size enter_user_mode, . - enter_user_mode

// ------------------------------------------------------------------------------------------------------------------
// bool call_with_recovery(void (*function)(void))
//
// Calls the function and returns false. If the function traps, the trap handler lets the kernel go on at
// recover_from_mistake, with the effect that this call returns true.
    .globl call_with_recovery
    .type call_with_recovery, @function
call_with_recovery:
    .cfi_startproc
    addi    sp, sp, -112
    .cfi_def_cfa_offset 112
    sd      ra, 104(sp)
    sd      s0, 96(sp)
    sd      s1, 88(sp)
    sd      s2, 80(sp)
    sd      s3, 72(sp)
    sd      s4, 64(sp)
    sd      s5, 56(sp)
    sd      s6, 48(sp)
    sd      s7, 40(sp)
    sd      s8, 32(sp)
    sd      s9, 24(sp)
    sd      s10, 16(sp)
    sd      s11, 8(sp)
    .cfi_offset ra, -8
    .cfi_offset s0, -16
    addi    s0, sp, 112
    la      t0, recovery_stack
    sd      sp, 0(t0)
    jalr    a0
    li      a0, 0
    j       1f

    .globl recover_from_mistake
recover_from_mistake:
    la      t0, recovery_stack
    ld      sp, 0(t0)
    ld      s1, 88(sp)
    ld      s2, 80(sp)
    ld      s3, 72(sp)
    ld      s4, 64(sp)
    ld      s5, 56(sp)
    ld      s6, 48(sp)
    ld      s7, 40(sp)
    ld      s8, 32(sp)
    ld      s9, 24(sp)
    ld      s10, 16(sp)
    ld      s11, 8(sp)
    li      a0, 1
1:
    la      t0, recovery_stack
    sd      zero, 0(t0)         // nothing to recover from any more
    ld      ra, 104(sp)
    ld      s0, 96(sp)
    .cfi_restore ra
    .cfi_restore s0
    addi    sp, sp, 112
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size call_with_recovery, . - call_with_recovery
