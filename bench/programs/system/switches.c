// Context switches: eight user programs, each in an address space of its own (satp with its ASID), that yield to each other.
// All see their own pages at the same addresses.
#include "user.h"
#define PROCESSES 8
#define PAGES 8
#define DATA 0x40000000ul
enum { YIELD, EXIT };

static struct process {
    struct frame frame;
    u64 satp;
} processes[PROCESSES];
static u64 roots[PROCESSES][512] __attribute__((aligned(4096)));
static u64 middles[PROCESSES][512] __attribute__((aligned(4096)));
static u64 leaves[PROCESSES][512] __attribute__((aligned(4096)));
static u8 pages[PROCESSES][PAGES][4096] __attribute__((aligned(4096)));
static u64 running, ended, sum;

USER static void user_main(u64 count, u64 own)
{
    u64 value = own;
    for (u64 round = 0; round < count; round++) {
        for (u64 page = 1; page < PAGES; page++) {
            volatile u64 *word = (u64 *)(DATA + page * PAGE + (round & 63) * 8);
            value = value * 31 + *word;
            *word = value;
        }
        call(YIELD, 0, 0);
    }
    call(EXIT, value, 0);
}

struct frame *supervisor_trap(struct frame *frame)
{
    u64 cause = read_csr(scause);
    if (cause != USER_CALL) unexpected_trap(cause, frame->pc, read_csr(stval));
    frame->pc += 4;
    if (frame->x[A7] == EXIT) {
        sum = sum * 17 + frame->x[A0];
        if (++ended == PROCESSES) {
            print_result("switches", sum);
            finish();
        }
    }
    // All have the same work, so that none yields to one that has ended.
    running = (running + 1) % PROCESSES;
    write_csr(satp, processes[running].satp);
    return &processes[running].frame;
}

void main(void)
{
    open_user_pages();
    for (u64 i = 0; i < PROCESSES; i++) {
        struct process *process = &processes[i];
        roots[i][0] = root_table[0];
        roots[i][1] = pte((u64)middles[i], V);
        roots[i][2] = root_table[2];
        middles[i][0] = pte((u64)leaves[i], V);
        for (u64 page = 0; page < PAGES; page++) leaves[i][page] = pte((u64)pages[i][page], V | R | W | U | A | D);
        process->satp = satp(roots[i], i + 1);
        process->frame.pc = (u64)user_main;
        process->frame.x[SP] = DATA + PAGE;
        process->frame.x[A0] = rounds;
        process->frame.x[A1] = i;
    }
    write_csr(satp, processes[0].satp);
    fence_all();
    run_user(&processes[0].frame);
}
