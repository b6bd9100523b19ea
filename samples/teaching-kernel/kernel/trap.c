// What the kernel does about a trap: interrupts go to their drivers, system calls and page faults of user programs are
// served, and everything else is a mistake, which is described in words.

#include "trap.h"
#include "console.h"
#include "csr.h"
#include "paging.h"
#include "plic.h"
#include "process.h"
#include "system-calls.h"
#include "timer.h"
#include "trap-frame.h"

_Static_assert(offsetof(struct trap_frame, sp) == FRAME_SP, "trap-frame.h");
_Static_assert(offsetof(struct trap_frame, sepc) == FRAME_SEPC, "trap-frame.h");
_Static_assert(offsetof(struct trap_frame, stval) == FRAME_STVAL, "trap-frame.h");
_Static_assert(offsetof(struct trap_frame, link_pc) == FRAME_LINK_PC, "trap-frame.h");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "trap-frame.h");

// The stack pointer inside call_with_recovery, or 0 when a mistake of the kernel would be its end.
uint64_t recovery_stack;

static const char *const exception_names[] = {
    "instruction address misaligned",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "load address misaligned",
    "load access fault",
    "store address misaligned",
    "store access fault",
    "system call from U-mode",
    "system call from S-mode",
    "reserved",
    "reserved",
    "instruction page fault",
    "load page fault",
    "reserved",
    "store page fault",
};

void interrupts_on(void) { set_csr_bits(sstatus, SSTATUS_SIE); }
void interrupts_off(void) { clear_csr_bits(sstatus, SSTATUS_SIE); }

static bool is_page_fault(uint64_t cause)
{
    return cause == CAUSE_INSTRUCTION_PAGE_FAULT || cause == CAUSE_LOAD_PAGE_FAULT || cause == CAUSE_STORE_PAGE_FAULT;
}

// An instruction that stands across a 4-byte boundary is read in two halves; the lowest two bits tell its length.
static uint32_t read_instruction(uint64_t address)
{
    const uint16_t *halves = (const uint16_t *)address;
    return (halves[0] & 3) == 3 ? halves[0] | (uint32_t)halves[1] << 16 : halves[0];
}

// Says in words what happened, from the three registers that the trap has set.
void describe_trap(const struct trap_frame *frame)
{
    bool known = frame->scause < sizeof(exception_names) / sizeof(exception_names[0]);
    print("  scause %d: %s\n", frame->scause, known ? exception_names[frame->scause] : "unknown");
    print("  sepc   0x%x: the instruction that was not completed\n", frame->sepc);
    if (is_page_fault(frame->scause)) {
        print("  stval  0x%x: the address that it used\n", frame->stval);
    } else {
        print("  stval  0x%x\n", frame->stval);
    }
}

// For an illegal instruction of the kernel: if it accesses a CSR, that CSR's number says which mode it needs.
static void describe_csr_access(uint32_t instruction)
{
    static const char *const modes[] = {"user mode", "supervisor mode", "a hypervisor", "machine mode"};
    if ((instruction & 0x7f) != 0x73 || (instruction >> 12 & 7) == 0) return;
    uint32_t csr = instruction >> 20;
    print("  The instruction, 0x%x, accesses CSR 0x%x, which belongs to %s.\n", (uint64_t)instruction, (uint64_t)csr,
          modes[csr >> 8 & 3]);
}

static bool handle_interrupt(uint64_t cause)
{
    if (cause == CAUSE_TIMER_INTERRUPT) {
        timer_interrupt_handler();
        return true;
    }
    if (cause == CAUSE_EXTERNAL_INTERRUPT) {
        plic_interrupt_handler();
        return true;
    }
    return false;
}

// Called by trap-entry.S when the kernel itself was interrupted.
void kernel_trap_handler(struct trap_frame *frame)
{
    if (handle_interrupt(frame->scause)) return;

    print("The kernel made a mistake:\n");
    describe_trap(frame);
    if (frame->scause == CAUSE_ILLEGAL_INSTRUCTION) describe_csr_access(read_instruction(frame->sepc));
    if (recovery_stack == 0) panic("the kernel cannot go on.");
    frame->sepc = (uint64_t)recover_from_mistake;
}

// Called by the scheduler when a user program was interrupted.
void user_trap_handler(struct process *process)
{
    struct trap_frame *frame = &process->frame;
    if (frame->scause == CAUSE_TIMER_INTERRUPT) {
        process->preemptions++; /* breakpoint: preemption */
        process->gives_way = true;
    }
    if (handle_interrupt(frame->scause)) return;

    if (frame->scause == CAUSE_USER_ECALL) {
        frame->sepc += 4; // go on behind the ecall instruction
        system_call_handler(process);
    } else if (!is_page_fault(frame->scause) || !page_fault_handler(process, frame->scause, frame->stval)) {
        print("[kernel] program %s made a mistake and is ended:\n", process->program->name);
        describe_trap(frame);
        process_exit(process, -1);
    }
}
