// Control and status registers: access to them, and the bits that this kernel uses (Privileged chapter 4).
#pragma once

#include "types.h"

// Macros, not functions: the number of a CSR is part of the instruction.
#define read_csr(name)                                         \
    ({                                                         \
        uint64_t csr_value;                                    \
        asm volatile("csrr %0, " #name : "=r"(csr_value));     \
        csr_value;                                             \
    })
#define write_csr(name, value) asm volatile("csrw " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define set_csr_bits(name, bits) asm volatile("csrs " #name ", %0" ::"r"((uint64_t)(bits)) : "memory")
#define clear_csr_bits(name, bits) asm volatile("csrc " #name ", %0" ::"r"((uint64_t)(bits)) : "memory")

#define SSTATUS_SIE (1UL << 1)  // interrupts are on in S-mode
#define SSTATUS_SPIE (1UL << 5) // what sret will copy to SIE
#define SSTATUS_SPP (1UL << 8)  // the mode that sret returns to: 1 = S-mode, 0 = U-mode
#define SSTATUS_SUM (1UL << 18) // S-mode may read and write user pages

#define SIE_TIMER (1UL << 5)    // bits of sie and sip
#define SIE_EXTERNAL (1UL << 9)

#define SCAUSE_INTERRUPT (1UL << 63)
#define CAUSE_TIMER_INTERRUPT (SCAUSE_INTERRUPT | 5)
#define CAUSE_EXTERNAL_INTERRUPT (SCAUSE_INTERRUPT | 9)
#define CAUSE_ILLEGAL_INSTRUCTION 2
#define CAUSE_USER_ECALL 8
#define CAUSE_INSTRUCTION_PAGE_FAULT 12
#define CAUSE_LOAD_PAGE_FAULT 13
#define CAUSE_STORE_PAGE_FAULT 15
