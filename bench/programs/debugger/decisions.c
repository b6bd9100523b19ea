// A loop through one place whose register a condition looks at, as often as there are rounds.
#include "bench.h"

void main(void)
{
    u64 sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        register u64 a0 asm("a0") = round;
        asm volatile("decision: addi %0, %0, 1" : "+r"(a0));
        sum = sum * 31 + a0;
    }
    print_result("decisions", sum);
}
