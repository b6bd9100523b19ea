// System calls: a user program puts a number into a7, arguments into a0 and a1, and executes ecall. The answer goes
// into a0.

#include "system-calls.h"
#include "console.h"
#include "csr.h"
#include "process.h"

// Prints text of the process. It lies in user pages, which the kernel may read only while SUM is set: so the kernel
// cannot be tricked, or slip, into using user memory by accident.
static int64_t system_call_write(struct process *process, uint64_t text, uint64_t length)
{
    if (!process_may_read(process, text, length)) return -1;
    set_csr_bits(sstatus, SSTATUS_SUM);
    for (uint64_t i = 0; i < length; i++) console_put_char(((const char *)text)[i]);
    clear_csr_bits(sstatus, SSTATUS_SUM);
    return length;
}

static int64_t system_call_yield(struct process *process)
{
    process->gives_way = true;
    return 0;
}

void system_call_handler(struct process *process)
{
    struct trap_frame *frame = &process->frame;
    int64_t result = -1;
    switch (frame->a7) { /* breakpoint: syscall */
    case SYSTEM_CALL_WRITE: result = system_call_write(process, frame->a0, frame->a1); break;
    case SYSTEM_CALL_YIELD: result = system_call_yield(process); break;
    case SYSTEM_CALL_GETPID: result = process->pid; break;
    case SYSTEM_CALL_SBRK: result = process_grow_heap(process, frame->a0); break;
    case SYSTEM_CALL_PREEMPTIONS: result = process->preemptions; break;
    case SYSTEM_CALL_EXIT: process_exit(process, frame->a0); break;
    }
    frame->a0 = result;
}
