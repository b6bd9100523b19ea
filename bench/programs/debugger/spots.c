// A hundred functions that run all the time, with a thousand spots in them that are never reached: for breakpoints.
#include "bench.h"

// x is never 0: each step maps different numbers to different ones, and 0 to 0.
#define SPOT                                                                                   \
    if (__builtin_expect(x == 0, 0))                                                           \
        asm volatile("never_%=: addi %0, %0, %1" : "+r"(x) : "i"(__COUNTER__));                \
    x = (x ^ x >> 9) * 0x2545f4914f6cdd1dul;
#define FUNCTION(n)                                                                            \
    __attribute__((noinline)) static u64 function##n(u64 x)                                    \
    {                                                                                          \
        SPOT SPOT SPOT SPOT SPOT SPOT SPOT SPOT SPOT SPOT return x;                            \
    }
#define TEN(of, n) of(n##0) of(n##1) of(n##2) of(n##3) of(n##4) of(n##5) of(n##6) of(n##7) of(n##8) of(n##9)
#define HUNDRED(of) \
    TEN(of, 0) TEN(of, 1) TEN(of, 2) TEN(of, 3) TEN(of, 4) TEN(of, 5) TEN(of, 6) TEN(of, 7) TEN(of, 8) TEN(of, 9)
#define NAME(n) function##n,

HUNDRED(FUNCTION)
static u64 (*const functions[])(u64) = {HUNDRED(NAME)};

void main(void)
{
    u64 x = 88172645463325252ul;
    for (u64 round = 0; round < rounds; round++)
        for (u32 i = 0; i < sizeof functions / sizeof *functions; i++) x = functions[i](x);
    print_result("spots", x);
}
