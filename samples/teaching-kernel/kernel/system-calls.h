// System calls: the numbers, shared with the user programs, and the kernel's side.
#pragma once

#define SYSTEM_CALL_WRITE 1       // a0 = address of text, a1 = its length; answers the length, or -1
#define SYSTEM_CALL_YIELD 2       // lets another program run
#define SYSTEM_CALL_GETPID 3      // answers the number of the process
#define SYSTEM_CALL_SBRK 4        // a0 = bytes; the heap grows by that; answers where the new part starts, or -1
#define SYSTEM_CALL_PREEMPTIONS 5 // answers how often the timer has interrupted the process
#define SYSTEM_CALL_EXIT 6        // a0 = exit code; does not return

struct process;
void system_call_handler(struct process *process);
