// Multiplies matrices of 64-bit integers.
#include "bench.h"
#define N 96
static u64 a[N][N], b[N][N], c[N][N];

void main(void)
{
    u64 state = 88172645463325252ul, sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = next_random(&state);
            b[i][j] = next_random(&state);
        }
    for (u64 round = 0; round < rounds; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                u64 total = 0;
                for (int k = 0; k < N; k++) total += a[i][k] * b[k][j];
                c[i][j] = total;
            }
        u64 row = round % N;
        a[row][row] += c[N - 1 - row][row];
        sum ^= c[row][0];
    }
    print_result("matrix", sum);
}
