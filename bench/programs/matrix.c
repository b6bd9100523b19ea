// Multiplies integer matrices.
#include "bench.h"
#define N 96
static u64 a[N][N], b[N][N], c[N][N];

int main(void)
{
    u64 state = 88172645463325252ul, sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = next_random(&state);
            b[i][j] = next_random(&state);
        }
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                u64 total = 0;
                for (int k = 0; k < N; k++) total += a[i][k] * b[k][j];
                c[i][j] = total;
            }
        a[round][round] += c[N - 1 - round][round];
        sum ^= c[round][0];
    }
    print_result("matrix", sum);
}
