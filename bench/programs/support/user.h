// A kernel in S-mode with user programs, for benchmarks of what kernels do. The user programs are part of the image, in pages
// that U-mode may access.
#pragma once
#include "paging.h"

#define USER __attribute__((section(".user.text"), noinline))
#define USER_DATA __attribute__((section(".user.data")))

enum { USER_CALL = 8, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
enum { SP = 2, A0 = 10, A1 = 11, A7 = 17 };

// The registers of a user program while the kernel runs.
struct frame {
    u64 x[32];
    u64 pc;
};

// Every trap comes here, all registers saved; returns the frame to go on with. A program of the group has its own.
struct frame *supervisor_trap(struct frame *frame);

// Lets U-mode access the user pages, and the kernel, too.
void open_user_pages(void);
void run_user(struct frame *frame) __attribute__((noreturn));
// Ends the machine, for a trap that the program does not expect.
void unexpected_trap(u64 cause, u64 pc, u64 value);

static inline u64 call(u64 number, u64 first, u64 second)
{
    register u64 a0 asm("a0") = first;
    register u64 a1 asm("a1") = second;
    register u64 a7 asm("a7") = number;
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    return a0;
}
