// The Mandelbrot set, 64 by 64 points, 200 iterations at most.
#include "real.h"
#define SIZE 64
#define MOST 200

static u32 iterations(real x, real y)
{
    real re = 0, im = 0;
    u32 count = 0;
    while (count < MOST && re * re + im * im < 4) {
        real next = re * re - im * im + x;
        im = 2 * re * im + y;
        re = next;
        count++;
    }
    return count;
}

void main(void)
{
    u64 sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        real shift = (real)(round % 16) / 4096;
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++)
                sum = sum * 31 + iterations((real)(3 * i) / SIZE - 2 + shift, (real)(2 * j) / SIZE - 1 + shift);
    }
    print_result("mandelbrot-" NAME, sum);
}
