// Counts primes with a sieve of bytes.
#include "bench.h"
#define LIMIT 100000
static u8 composite[LIMIT];

void main(void)
{
    u64 sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        for (u32 i = 0; i < LIMIT; i++) composite[i] = 0;
        for (u32 i = 2; i < LIMIT; i++) {
            if (composite[i]) continue;
            sum += i;
            for (u32 j = 2 * i; j < LIMIT; j += i) composite[j] = 1;
        }
    }
    print_result("sieve", sum);
}
