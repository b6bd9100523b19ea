// User program A: gets memory that is mapped when it is first used, and computes until the timer has interrupted it
// twice.

#include "system-calls.h"

#define PAGES 4

// How often the loop below ran, and what came out: both depend on the clock, so they are not printed.
static uint64_t rounds, last_value;

// One step of a pseudo random sequence (xorshift): work that keeps the registers busy.
static uint64_t mix(uint64_t value)
{
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    return value;
}

static void compute_until_preempted(uint64_t times)
{
    uint64_t value = 1;
    do {
        rounds++; /* breakpoint: user-a-loop */
        for (int i = 0; i < 1000; i++) value = mix(value);
    } while (count_preemptions() < times);
    last_value = value;
}

void user_a_main(void)
{
    write_text("[A] hello, I am process ");
    write_number(get_pid());
    write_text("\n");
    yield(); // program B may say hello, too

    volatile uint8_t *heap = grow_heap(PAGES * PAGE_SIZE);
    write_text("[A] got 4 pages, using three of them: write, write, read\n");
    heap[0] = 'A'; /* breakpoint: user-a-heap */
    heap[1 * PAGE_SIZE] = 'A';
    uint8_t fresh = heap[3 * PAGE_SIZE];
    write_text(fresh == 0 ? "[A] fresh memory is zero\n" : "[A] fresh memory is not zero!\n");

    compute_until_preempted(2);
    write_text("[A] was interrupted twice, without noticing\n");
    exit(last_value == 0 ? 1 : 0); // a xorshift sequence never gets to 0
}
