// Floating-point numbers of one width: REAL is float or double, NAME says which.
#pragma once
#include "bench.h"
typedef REAL real;

static inline real square_root(real x) { return sizeof(real) == 4 ? __builtin_sqrtf(x) : __builtin_sqrt(x); }

// The bits of numbers, mixed: a result that any wrong bit changes.
static inline u64 mix_bits(u64 sum, real x)
{
    union {
        real number;
        u32 word;
        u64 bits;
    } cell = {.bits = 0};
    cell.number = x;
    return (sum ^ cell.bits) * 0x9e3779b97f4a7c15ul + 1;
}

// A number from 0 to 1.
static inline real next_real(u64 *state) { return (real)(next_random(state) >> 42) / (real)(1 << 22); }
