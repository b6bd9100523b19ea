// The start of the kernel in C: sets up one thing after the other, runs the user programs, and ends in the prompt.

#include "console.h"
#include "csr.h"
#include "devicetree.h"
#include "memory.h"
#include "paging.h"
#include "plic.h"
#include "prompt.h"
#include "sbi.h"
#include "scheduler.h"
#include "timer.h"
#include "trap.h"
#include "uart.h"

#define MOST_MEMORY (1UL << 30) // what the kernel can use: the rest, if there is more, stays unused

extern char kernel_end[];

// Called by boot.S, in S-mode, with paging and interrupts off.
void kernel_main(uint64_t hart, const void *device_tree)
{
    sbi_init();
    print("\nTeaching kernel: hello from hart %d.\n", hart);

    struct machine_description machine;
    if (!read_device_tree(device_tree, &machine)) panic("the device tree does not say where memory is.");
    uint64_t memory_end = machine.memory_start + machine.memory_size;
    print("Memory: %d MiB from 0x%x to 0x%x.\n", machine.memory_size >> 20, machine.memory_start, memory_end - 1);
    if (machine.memory_size > MOST_MEMORY) memory_end = machine.memory_start + MOST_MEMORY;

    memory_init((uint64_t)kernel_end, memory_end); /* breakpoint: boot */
    paging_init(memory_end);
    print("Paging is on: Sv39.\n");

    uart_init();
    console_use_uart();
    print("Console: the kernel drives the UART itself now.\n");

    plic_init();
    timer_init(machine.ticks_per_second);
    set_csr_bits(sie, SIE_EXTERNAL);
    interrupts_on();
    print("Interrupts are on.\n");

    run_user_programs();
    print("Type h for help.\n");
    prompt_loop();
}
