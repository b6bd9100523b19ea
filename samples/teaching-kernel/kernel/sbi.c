// Calls to the firmware below the kernel. The firmware runs in M-mode; an ecall instruction in S-mode is a call to it:
// a7 = extension, a6 = function, a0 and a1 = arguments; it answers with an error in a0 and a value in a1.

#include "sbi.h"

// Extensions are named by four letters in ASCII.
#define EXTENSION_BASE 0x10
#define EXTENSION_TIMER 0x54494d45         // "TIME"
#define EXTENSION_RESET 0x53525354         // "SRST"
#define EXTENSION_DEBUG_CONSOLE 0x4442434e // "DBCN"
#define LEGACY_PUT_CHAR 1
#define LEGACY_SHUTDOWN 8

#define BASE_SPECIFICATION_VERSION 0
#define BASE_IMPLEMENTATION_ID 1
#define BASE_PROBE_EXTENSION 3
#define DEBUG_CONSOLE_WRITE_BYTE 2

struct sbi_result {
    int64_t error;
    uint64_t value;
};

static bool has_debug_console;

static struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t argument0, uint64_t argument1)
{
    register uint64_t a0 asm("a0") = argument0;
    register uint64_t a1 asm("a1") = argument1;
    register uint64_t a6 asm("a6") = function;
    register uint64_t a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory"); /* breakpoint: sbi-call */
    return (struct sbi_result){.error = a0, .value = a1};
}

static bool has_extension(uint64_t extension)
{
    struct sbi_result result = sbi_call(EXTENSION_BASE, BASE_PROBE_EXTENSION, extension, 0);
    return result.error == 0 && result.value != 0;
}

void sbi_init(void) { has_debug_console = has_extension(EXTENSION_DEBUG_CONSOLE); }

bool sbi_has_debug_console(void) { return has_debug_console; }
uint64_t sbi_specification_version(void) { return sbi_call(EXTENSION_BASE, BASE_SPECIFICATION_VERSION, 0, 0).value; }
uint64_t sbi_implementation(void) { return sbi_call(EXTENSION_BASE, BASE_IMPLEMENTATION_ID, 0, 0).value; }

void sbi_put_char(char c)
{
    if (has_debug_console) {
        sbi_call(EXTENSION_DEBUG_CONSOLE, DEBUG_CONSOLE_WRITE_BYTE, (uint8_t)c, 0);
    } else {
        sbi_call(LEGACY_PUT_CHAR, 0, (uint8_t)c, 0);
    }
}

// A timer interrupt comes as soon as the time register is at least this, and not before. One that is pending goes away.
void sbi_set_timer(uint64_t time) { sbi_call(EXTENSION_TIMER, 0, time, 0); }

void sbi_power_off(void)
{
    if (has_extension(EXTENSION_RESET)) sbi_call(EXTENSION_RESET, 0, 0, 0); // shut down, for no special reason
    sbi_call(LEGACY_SHUTDOWN, 0, 0, 0);
    for (;;) asm volatile("wfi");
}
