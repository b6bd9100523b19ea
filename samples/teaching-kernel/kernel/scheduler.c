// Runs the user programs in turn: each until it gives the processor away (yield), exits, or has used up its time.
//
// Which program runs when depends on the clock, and so does the order of their output. To keep that readable, the
// console belongs to one program at a time. What the others print is held back until it is their turn.

#include "scheduler.h"
#include "console.h"
#include "paging.h"
#include "process.h"
#include "timer.h"
#include "trap.h"

#define MOST_PROCESSES 2
static struct process processes[MOST_PROCESSES];
static int process_count;

// The next process after this one that can run: round robin. NULL when all have exited.
static struct process *next_ready(const struct process *last)
{
    int start = last - processes;
    for (int i = 1; i <= process_count; i++) {
        struct process *candidate = &processes[(start + i) % process_count];
        if (candidate->state == READY) return candidate;
    }
    return NULL;
}

// Runs a process up to its next trap, and serves that.
static void run_until_trap(struct process *process, bool owns_console)
{
    use_page_table(process->root, process->pid);
    enter_user_mode(&process->frame); /* breakpoint: enter-user-mode */
    console_hold(owns_console ? NULL : &process->output);
    user_trap_handler(process);
    console_hold(NULL);
}

// Runs all processes until they have exited.
static void schedule(void)
{
    struct process *current = &processes[0];
    int console_owner = 0;
    while (current != NULL) {
        run_until_trap(current, console_owner == current - processes);

        // The console goes to the next process when its owner exits.
        while (console_owner < process_count && processes[console_owner].state == EXITED) {
            console_owner++;
            if (console_owner < process_count) console_release(&processes[console_owner].output);
        }
        if (current->gives_way) {
            current->gives_way = false;
            current = next_ready(current); /* breakpoint: schedule */
        }
    }
}

static void print_summary(const struct process *process)
{
    uint64_t accessed, dirty;
    process_count_heap_pages(process, &accessed, &dirty);
    print("[kernel] program %s: exit code %d; heap pages: %d mapped on demand, %d accessed, %d dirty\n",
          process->program->name, process->exit_code, process->demand_pages, accessed, dirty);
}

static void run_programs(const struct program *first, int count)
{
    interrupts_off(); // while the kernel runs; in user mode they are always on
    process_count = count;
    for (int i = 0; i < count; i++) process_create(&processes[i], i + 1, &first[i]);
    timer_start();
    schedule();
    timer_stop();
    use_page_table(kernel_page_table(), 0);
    for (int i = 0; i < count; i++) print_summary(&processes[i]);
    for (int i = 0; i < count; i++) process_destroy(&processes[i]);
    interrupts_on();
}

// Programs A and B, which behave.
void run_user_programs(void) { run_programs(&programs[0], 2); }

// Program C, which reads memory of the kernel.
void run_trespassing_program(void) { run_programs(&programs[2], 1); }
