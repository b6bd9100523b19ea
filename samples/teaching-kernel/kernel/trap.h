// Traps: the saved registers of what was interrupted, and what is done about it.
#pragma once

#include "types.h"

struct process;

// What trap-entry.S saves, in its order.
struct trap_frame {
    uint64_t ra, sp, gp, tp, t0, t1, t2, s0, s1;
    uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
    uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
    uint64_t t3, t4, t5, t6;
    uint64_t sepc, sstatus, scause, stval;
    uint64_t kernel_sp;        // of a user program: where the kernel's stack was when it entered user mode
    uint64_t link_fp, link_pc; // of the kernel: a copy of s0 and sepc, for a debugger's stack trace
};

void enter_user_mode(struct trap_frame *frame);
bool call_with_recovery(void (*function)(void));
void recover_from_mistake(void);

void kernel_trap_handler(struct trap_frame *frame);
void user_trap_handler(struct process *process);
void describe_trap(const struct trap_frame *frame);

void interrupts_on(void);
void interrupts_off(void);
