// A user program computes while the timer interrupts it at 10 kHz of mtime. A small firmware in M-mode turns the CLINT's
// interrupt into the kernel's, as SBI firmware does: each tick costs an interrupt in M-mode, one in S-mode, and a call.
#include "user.h"
#define TICK 1000 // of mtime, which counts at 10 MHz
#define TIMER_INTERRUPT (1ul << 63 | 5)
enum { EXIT };

asm(R"(
    .globl  machine_trap
    .align  2
machine_trap:
    csrrw   sp, mscratch, sp
    sd      t0, -8(sp)
    sd      t1, -16(sp)
    csrr    t0, mcause
    li      t1, 9
    beq     t0, t1, set_timer
    bgez    t0, unexpected
    li      t0, 0x80                # the timer's interrupt waits, and the kernel's is pending
    csrc    mie, t0
    li      t0, 0x20
    csrs    mip, t0
return:
    ld      t0, -8(sp)
    ld      t1, -16(sp)
    csrrw   sp, mscratch, sp
    mret
set_timer:
    li      t0, 0x2004000
    sd      a0, 0(t0)
    li      t0, 0x20
    csrc    mip, t0
    li      t0, 0x80
    csrs    mie, t0
    csrr    t0, mepc
    addi    t0, t0, 4
    csrw    mepc, t0
    j       return
unexpected:
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    j       unexpected_trap
)");

static struct frame user;
static u64 ticks, deadline;
USER_DATA static u8 user_stack[4096] __attribute__((aligned(4096)));
USER_DATA static u64 table[256];

USER static void user_main(u64 count)
{
    u64 state = 1, sum = 0;
    for (u64 round = 0; round < count; round++) {
        for (u64 i = 0; i < 10000; i++) {
            u64 random = next_random(&state);
            table[random & 255] += random >> 8;
            sum = sum * 31 + table[i & 255];
        }
    }
    call(EXIT, sum, 0);
}

static void next_tick(void)
{
    u64 now = read_csr(time);
    deadline = deadline + TICK > now ? deadline + TICK : now + TICK;
    call(0, deadline, 0);
}

struct frame *supervisor_trap(struct frame *frame)
{
    u64 cause = read_csr(scause);
    if (cause == TIMER_INTERRUPT) {
        ticks++;
        next_tick();
    } else if (cause == USER_CALL) {
        print_result("timer", frame->x[A0]);
        print_text(ticks || rounds < 100 ? "" : "without ticks\n");
        finish();
    } else {
        unexpected_trap(cause, frame->pc, read_csr(stval));
    }
    return frame;
}

void main(void)
{
    open_user_pages();
    user.pc = (u64)user_main;
    user.x[SP] = (u64)(user_stack + sizeof user_stack);
    user.x[A0] = rounds;
    deadline = read_csr(time);
    set_csr(sie, 0x20);
    next_tick();
    run_user(&user);
}
