// The clock tick that takes the processor away from a user program. The hart counts time in its time register; the
// firmware sends a timer interrupt when that reaches the value that we asked for.

#include "timer.h"
#include "csr.h"
#include "sbi.h"

#define SLICES_PER_SECOND 200 // a user program runs for at most 5 ms before another one gets its turn
#define NEVER UINT64_MAX

static uint64_t slice = 10000000 / SLICES_PER_SECOND;
static uint64_t interrupt_count;

void timer_init(uint64_t ticks_per_second) { slice = ticks_per_second / SLICES_PER_SECOND; }

uint64_t timer_now(void) { return read_csr(time); }
uint64_t timer_interrupt_count(void) { return interrupt_count; }

void timer_start(void)
{
    sbi_set_timer(timer_now() + slice);
    set_csr_bits(sie, SIE_TIMER);
}

void timer_stop(void)
{
    clear_csr_bits(sie, SIE_TIMER);
    sbi_set_timer(NEVER);
}

void timer_interrupt_handler(void)
{
    interrupt_count++; /* breakpoint: timer */
    sbi_set_timer(timer_now() + slice);
}
