// Recursive calls: the functions of Fibonacci, Ackermann and Takeuchi, and a search that places queens on a board.
#include "bench.h"
#define OWN __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

OWN static u64 fibonacci(u64 n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

OWN static u64 ackermann(u64 m, u64 n)
{
    if (m == 0) return n + 1;
    return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

OWN static i64 takeuchi(i64 x, i64 y, i64 z)
{
    return y >= x ? z : takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

OWN static u64 queens(u32 columns, u32 left, u32 right, u32 all)
{
    if (columns == all) return 1;
    u64 found = 0;
    for (u32 free = ~(columns | left | right) & all; free; free &= free - 1) {
        u32 place = free & -free;
        found += queens(columns | place, (left | place) << 1, (right | place) >> 1, all);
    }
    return found;
}

void main(void)
{
    u64 sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        sum = sum * 31 + fibonacci(18 + round % 3);
        sum = sum * 31 + ackermann(2, 60 + round % 5);
        sum = sum * 31 + takeuchi(12, 8, round % 4);
        sum = sum * 31 + queens(0, 0, 0, 0x7f);
    }
    print_result("calls", sum);
}
