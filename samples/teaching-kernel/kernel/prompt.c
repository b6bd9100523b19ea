// The kernel's prompt: reads a line, finds the command in a table, calls its function.

#include "prompt.h"
#include "console.h"
#include "memory.h"
#include "mistakes.h"
#include "paging.h"
#include "sbi.h"
#include "scheduler.h"
#include "text.h"
#include "timer.h"
#include "trap.h"

struct command {
    char letter;
    const char *name;
    const char *description;
    void (*function)(void);
};

static void show_help(void);

static void show_memory(void)
{
    print("%d pages of 4 KiB are free. The kernel's page table maps:\n", count_free_pages());
    print_page_table(kernel_page_table());
}

// All that differs from machine to machine and from run to run.
static void show_information(void)
{
    uint64_t version = sbi_specification_version();
    print("SBI %d.%d, implementation %d, %s debug console\n", version >> 24, version & 0xffffff, sbi_implementation(),
          sbi_has_debug_console() ? "with" : "without");
    print("time %d, timer interrupts %d\n", timer_now(), timer_interrupt_count());
}

static void quit(void)
{
    print("Good bye.\n");
    sbi_power_off();
}

static const struct command commands[] = {
    {'h', "help", "this list", show_help},
    {'r', "run", "run user programs A and B again", run_user_programs},
    {'m', "memory", "show free memory and the kernel's page table", show_memory},
    {'i', "info", "show the firmware, the time and the timer interrupts", show_information},
    {'q', "quit", "power off", quit},
    {'n', "null", "mistake: read through a null pointer", null_dereference},
    {'w', "write", "mistake: write to a read-only page", write_to_read_only_page},
    {'f', "fence", "mistake: forget sfence.vma after a page table change", missing_sfence},
    {'c', "csr", "mistake: access a CSR of machine mode", illegal_csr_access},
    {'u', "user", "mistake: a user program reads the kernel's memory", run_trespassing_program},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void show_help(void)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];
        print("  %c or %s: %s\n", command->letter, command->name, command->description);
    }
}

static const struct command *find_command(const char *line)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];
        if (text_equal(line, command->name) || (line[0] == command->letter && line[1] == '\0')) return command;
    }
    return NULL;
}

// Reads a line and echoes it. Backspace takes a character back.
static void read_line(char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        char c = console_read_char();
        if (c == '\r' || c == '\n') break;
        if ((c == '\b' || c == 0x7f) && length > 0) {
            length--;
            print("\b \b");
        } else if (c >= ' ' && c <= '~' && length < size - 1) {
            line[length++] = c;
            console_put_char(c);
        }
    }
    line[length] = '\0';
    console_put_char('\n');
}

void prompt_loop(void)
{
    char line[32];
    for (;;) {
        print("kernel> "); /* breakpoint: prompt */
        read_line(line, sizeof(line));
        if (line[0] == '\0') continue;
        const struct command *command = find_command(line);
        if (command == NULL) {
            print("No such command: %s. Type h for help.\n", line);
        } else if (call_with_recovery(command->function)) {
            print("The kernel recovered and goes on.\n");
        }
    }
}
