// Touches each of 16,384 pages in turn, over and over: more than a TLB holds.
#include "bench.h"
#define PAGES 16384
static u8 memory[PAGES][4096] __attribute__((aligned(4096)));

void main(void)
{
    u64 sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        for (u64 page = 0; page < PAGES; page++) {
            u64 *word = (u64 *)&memory[page][page * 72 % 4096];
            sum += *word;
            *word = sum ^ round;
        }
    }
    print_result("page-stride", sum);
}
