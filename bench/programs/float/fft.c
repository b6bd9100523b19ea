// Fourier transforms of 1,024 complex numbers, there and back.
#include "real.h"
#define N 1024

static struct complex {
    real re, im;
} data[N], turns[N / 2];

// turns[k] = e^(-2 pi i k / N), by powers of a first step that a series gives.
static void find_turns(void)
{
    const double angle = -2 * 3.14159265358979323846 / N;
    double sine = 0, cosine = 0, term = 1; // term: angle^i / i!, its sign changing every two
    for (int i = 0; i < 16; i++) {
        if (i & 1) sine += i & 2 ? -term : term;
        else cosine += i & 2 ? -term : term;
        term *= angle / (i + 1);
    }
    double re = 1, im = 0;
    for (int k = 0; k < N / 2; k++) {
        turns[k] = (struct complex){re, im};
        double next = re * cosine - im * sine;
        im = re * sine + im * cosine;
        re = next;
    }
}

static void transform(real sign)
{
    for (u32 i = 0, j = 0; i < N; i++) {
        if (i < j) {
            struct complex swapped = data[i];
            data[i] = data[j];
            data[j] = swapped;
        }
        u32 bit = N >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j |= bit;
    }
    for (u32 half = 1; half < N; half *= 2) {
        for (u32 start = 0; start < N; start += 2 * half) {
            for (u32 k = 0; k < half; k++) {
                struct complex turn = turns[k * (N / 2 / half)];
                struct complex *a = &data[start + k], *b = a + half;
                real im = sign * turn.im;
                real x = b->re * turn.re - b->im * im, y = b->re * im + b->im * turn.re;
                *b = (struct complex){a->re - x, a->im - y};
                *a = (struct complex){a->re + x, a->im + y};
            }
        }
    }
}

void main(void)
{
    u64 state = 2718, sum = 0;
    find_turns();
    for (int i = 0; i < N; i++) data[i] = (struct complex){next_real(&state), next_real(&state)};
    for (u64 round = 0; round < rounds; round++) {
        transform(1);
        transform(-1);
        for (int i = 0; i < N; i++) {
            data[i].re *= (real)1 / N;
            data[i].im *= (real)1 / N;
        }
    }
    for (int i = 0; i < N; i++) {
        sum = mix_bits(sum, data[i].re);
        sum = mix_bits(sum, data[i].im);
    }
    print_result("fft-" NAME, sum);
}
