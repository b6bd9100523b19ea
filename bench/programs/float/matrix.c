// Multiplies matrices, and divides by the largest element to stay within the range of numbers.
#include "real.h"
#define N 64
static real a[N][N], b[N][N], c[N][N];

void main(void)
{
    u64 state = 1618, sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = next_real(&state) - (real)0.5;
            b[i][j] = next_real(&state) - (real)0.5;
        }
    for (u64 round = 0; round < rounds; round++) {
        real largest = 0;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                real total = 0;
                for (int k = 0; k < N; k++) total += a[i][k] * b[k][j];
                c[i][j] = total;
                if (total > largest) largest = total;
            }
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) a[i][j] = c[i][j] / largest;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) sum = mix_bits(sum, a[i][j]);
    print_result("matrix-" NAME, sum);
}
