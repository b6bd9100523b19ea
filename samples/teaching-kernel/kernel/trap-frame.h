// Where trap-entry.S finds the members of struct trap_frame; trap.c has the compiler check that they agree.
#pragma once

#define FRAME_RA 0
#define FRAME_SP 8
#define FRAME_SEPC 248
#define FRAME_SSTATUS 256
#define FRAME_SCAUSE 264
#define FRAME_STVAL 272
#define FRAME_KERNEL_SP 280
#define FRAME_LINK_FP 288
#define FRAME_LINK_PC 296
#define FRAME_SIZE 304 // a multiple of 16, as the stack pointer must be
