/*
 * What the host's processor makes of floating-point operations: an oracle for the software implementation.
 * Reads cases {operation, rounding mode, a, b, c} from standard input and writes {result, flags} to standard output,
 * flags as in fflags. NaNs come out canonical. Build with -O1 -frounding-math -ffp-contract=off.
 */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct request { uint32_t operation, mode; uint64_t a, b, c; };
struct answer { uint64_t bits, flags; };

static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

/* An integer type's bounds, in a type that holds them exactly, and saturation as RISC-V has it. */
static uint64_t saturate(long double value, long double least, long double greatest, int is_signed, int is_narrow,
                         int *invalid) {
  uint64_t bits;
  if (isnan(value)) { *invalid = 1; value = greatest; }
  if (value < least) { *invalid = 1; value = least; }
  if (value > greatest) { *invalid = 1; value = greatest; }
  bits = is_signed || value < 9223372036854775808.0L ? (uint64_t)(int64_t)value
                                                     : (uint64_t)(int64_t)(value - 9223372036854775808.0L) | 1ull << 63;
  return is_narrow ? (uint64_t)(int64_t)(int32_t)(uint32_t)bits : bits;
}

#define OPERATIONS(NAME, T, U, OTHER, FMA, SQRT, RINT)                                                               \
  static T NAME##_from(uint64_t bits) { U u = (U)bits; T t; memcpy(&t, &u, sizeof t); return t; }                    \
  static uint64_t NAME##_to(T t) {                                                                                   \
    U u;                                                                                                             \
    if (isnan(t)) return sizeof t == 4 ? 0x7fc00000 : 0x7ff8000000000000;                                            \
    memcpy(&u, &t, sizeof u);                                                                                        \
    return u;                                                                                                        \
  }                                                                                                                  \
  static uint64_t NAME(const struct request *q, int *invalid) {                                                      \
    volatile T a = NAME##_from(q->a), b = NAME##_from(q->b), c = NAME##_from(q->c), r = 0;                           \
    volatile uint64_t i = 0;                                                                                         \
    switch (q->operation & 31) {                                                                                     \
      case 0: r = a + b; break;                                                                                      \
      case 1: r = a - b; break;                                                                                      \
      case 2: r = a * b; break;                                                                                      \
      case 3: r = a / b; break;                                                                                      \
      case 4: r = SQRT(a); break;                                                                                    \
      case 5: r = FMA(a, b, c); break;                                                                               \
      case 6: i = a == b; return i;                                                                                  \
      case 7: i = a < b; return i;                                                                                   \
      case 8: i = a <= b; return i;                                                                                  \
      case 9: r = RINT(a); return saturate(r, -2147483648.0L, 2147483647.0L, 1, 1, invalid);                         \
      case 10: r = RINT(a); return saturate(r, 0, 4294967295.0L, 0, 1, invalid);                                     \
      case 11: r = RINT(a); return saturate(r, -9223372036854775808.0L, 9223372036854775807.0L, 1, 0, invalid);      \
      case 12: r = RINT(a); return saturate(r, 0, 18446744073709551615.0L, 0, 0, invalid);                           \
      case 13: r = (T)(int32_t)q->a; break;                                                                          \
      case 14: r = (T)(uint32_t)q->a; break;                                                                         \
      case 15: r = (T)(int64_t)q->a; break;                                                                          \
      case 16: r = (T)(uint64_t)q->a; break;                                                                         \
      case 17: return OTHER(a);                                                                                      \
    }                                                                                                                \
    return NAME##_to(r);                                                                                             \
  }

static uint64_t narrowed(double value);
static uint64_t widened(float value);
OPERATIONS(in_double, double, uint64_t, narrowed, fma, sqrt, rint)
OPERATIONS(in_single, float, uint32_t, widened, fmaf, sqrtf, rintf)
static uint64_t narrowed(double value) { volatile float r = (float)value; return in_single_to(r); }
static uint64_t widened(float value) { volatile double r = value; return in_double_to(r); }

int main(void) {
  struct request q;
  while (fread(&q, sizeof q, 1, stdin) == 1) {
    struct answer answer = {0, 0};
    int raised, invalid = 0;
    fesetround(modes[q.mode]);
    feclearexcept(FE_ALL_EXCEPT);
    answer.bits = q.operation & 32 ? in_double(&q, &invalid) : in_single(&q, &invalid);
    raised = fetestexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    if (invalid) answer.flags = 16;
    else answer.flags = (raised & FE_INEXACT ? 1 : 0) | (raised & FE_UNDERFLOW ? 2 : 0) |
                        (raised & FE_OVERFLOW ? 4 : 0) | (raised & FE_DIVBYZERO ? 8 : 0) |
                        (raised & FE_INVALID ? 16 : 0);
    fwrite(&answer, sizeof answer, 1, stdout);
  }
  return 0;
}
