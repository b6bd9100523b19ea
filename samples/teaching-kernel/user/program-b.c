// User program B: uses the same heap addresses as program A, but they are other pages, and gives way by itself.

#include "system-calls.h"

#define PAGES 2
#define COUNT (PAGES * PAGE_SIZE / sizeof(uint64_t))

static const char *const greetings[] = {"[B] hello, I am process ", "[B] hello again from process "};
static uint64_t numbers_found = 1; // 2, the only even prime

static bool is_prime(uint64_t number)
{
    for (uint64_t divisor = 3; divisor * divisor <= number; divisor += 2) {
        if (number % divisor == 0) return false;
    }
    return true;
}

// The sum of the squares of 0 to COUNT - 1, by way of an array that fills the heap.
static uint64_t sum_squares(void)
{
    uint64_t *squares = grow_heap(PAGES * PAGE_SIZE);
    for (uint64_t i = 0; i < COUNT; i++) {
        squares[i] = i * i; /* breakpoint: user-b-heap */
        if (i % 256 == 0) yield();
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < COUNT; i++) sum += squares[i];
    return sum;
}

void user_b_main(void)
{
    for (int i = 0; i < 2; i++) {
        write_text(greetings[i]);
        write_number(get_pid());
        write_text("\n");
        yield();
    }
    uint64_t sum = sum_squares();
    write_text("[B] the sum of 1024 squares is ");
    write_number(sum);
    write_text("\n");

    for (uint64_t number = 3; number < 2000; number += 2) {
        if (is_prime(number)) numbers_found++; /* breakpoint: user-b-loop */
    }
    write_text("[B] primes below 2000: ");
    write_number(numbers_found);
    write_text("\n");

    while (count_preemptions() < 2) {
    }
    write_text("[B] was interrupted twice, too\n");
    exit(7);
}
