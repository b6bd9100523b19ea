// System calls, from the user programs' side. Each program gets its own copy of these functions, in its own pages: of
// those that it uses, hence "unused".
#pragma once

#include "../kernel/system-calls.h"
#include "../kernel/types.h"

#define LIBRARY static __attribute__((unused))

LIBRARY int64_t system_call(uint64_t number, uint64_t argument0, uint64_t argument1)
{
    register uint64_t a0 asm("a0") = argument0;
    register uint64_t a1 asm("a1") = argument1;
    register uint64_t a7 asm("a7") = number;
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    return a0;
}

LIBRARY void write_text(const char *text)
{
    uint64_t length = 0;
    while (text[length] != '\0') length++;
    system_call(SYSTEM_CALL_WRITE, (uint64_t)text, length);
}

LIBRARY void write_number(uint64_t value)
{
    char digits[21];
    int start = sizeof(digits) - 1;
    digits[start] = '\0';
    do {
        digits[--start] = '0' + value % 10;
        value /= 10;
    } while (value != 0);
    write_text(&digits[start]);
}

LIBRARY void yield(void) { system_call(SYSTEM_CALL_YIELD, 0, 0); }
LIBRARY uint64_t get_pid(void) { return system_call(SYSTEM_CALL_GETPID, 0, 0); }
LIBRARY void *grow_heap(uint64_t bytes) { return (void *)system_call(SYSTEM_CALL_SBRK, bytes, 0); }
LIBRARY uint64_t count_preemptions(void) { return system_call(SYSTEM_CALL_PREEMPTIONS, 0, 0); }

LIBRARY void __attribute__((noreturn)) exit(int64_t code)
{
    system_call(SYSTEM_CALL_EXIT, code, 0);
    for (;;) {
    }
}
