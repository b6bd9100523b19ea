// User program C: reads memory of the kernel. The page is mapped in C's address space, too, but not for U-mode, so the
// load traps, and the kernel ends the program.

#include "system-calls.h"

static volatile uint64_t *const kernel_memory = (volatile uint64_t *)0x80200000;
static uint64_t stolen;

void user_c_main(void)
{
    write_text("[C] hello, I am process ");
    write_number(get_pid());
    write_text(" and read the kernel's first instructions ...\n");
    yield();
    stolen = *kernel_memory; /* breakpoint: user-c-trespass */
    write_text("[C] got ");
    write_number(stolen);
    write_text("\n");
    exit(0);
}
