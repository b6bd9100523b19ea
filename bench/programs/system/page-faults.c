// Page faults: a user program reads and then writes each page of its heap. The kernel maps one page of zeros for reading,
// and a page of its own for writing; then it takes all back.
#include "user.h"
#define HEAP 0x40000000ul
#define PAGES 512
enum { RELEASE, EXIT };

static u64 leaves[512] __attribute__((aligned(4096)));
static u64 middle[512] __attribute__((aligned(4096)));
static u8 zeros[4096] __attribute__((aligned(4096)));
static u8 pool[PAGES][4096] __attribute__((aligned(4096)));
static u64 faults;
static struct frame user;
USER_DATA static u8 user_stack[4096] __attribute__((aligned(4096)));

USER static void user_main(u64 count)
{
    u64 sum = 0;
    for (u64 round = 0; round < count; round++) {
        for (u64 page = 0; page < PAGES; page++) {
            volatile u64 *word = (u64 *)(HEAP + page * PAGE + page % 64 * 8);
            sum = sum * 31 + *word + page;
            *word = sum;
            sum ^= *word >> 7;
        }
        call(RELEASE, 0, 0);
    }
    call(EXIT, sum, 0);
}

static void release(void)
{
    for (u64 page = 0; page < PAGES; page++) leaves[page] = 0;
    fence_all();
}

struct frame *supervisor_trap(struct frame *frame)
{
    u64 cause = read_csr(scause), address = read_csr(stval), page = (address - HEAP) / PAGE;
    if (cause == USER_CALL) {
        if (frame->x[A7] == EXIT) {
            print_result("page-faults", frame->x[A0] * 31 + faults);
            finish();
        }
        release();
        frame->pc += 4;
    } else if ((cause == LOAD_PAGE_FAULT || cause == STORE_PAGE_FAULT) && page < PAGES) {
        faults++;
        if (cause == LOAD_PAGE_FAULT) leaves[page] = pte((u64)zeros, V | R | U | A);
        else leaves[page] = pte((u64)pool[page], V | R | W | U | A | D);
        fence_page(address);
    } else {
        unexpected_trap(cause, frame->pc, address);
    }
    return frame;
}

void main(void)
{
    open_user_pages();
    middle[0] = pte((u64)leaves, V);
    root_table[1] = pte((u64)middle, V);
    user.pc = (u64)user_main;
    user.x[SP] = (u64)(user_stack + sizeof user_stack);
    user.x[A0] = rounds;
    run_user(&user);
}
