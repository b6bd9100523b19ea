// Copies: large blocks and single pages by words, as kernels do, and strings of odd length and alignment by bytes.
#include "bench.h"
#define LARGE (2 << 20)
static u64 from[LARGE / 8], to[LARGE / 8];

static void copy_words(u64 *target, const u64 *source, u64 count)
{
    for (u64 i = 0; i < count; i += 8) {
        u64 a = source[i], b = source[i + 1], c = source[i + 2], d = source[i + 3];
        u64 e = source[i + 4], f = source[i + 5], g = source[i + 6], h = source[i + 7];
        target[i] = a, target[i + 1] = b, target[i + 2] = c, target[i + 3] = d;
        target[i + 4] = e, target[i + 5] = f, target[i + 6] = g, target[i + 7] = h;
    }
}

static void copy_bytes(u8 *target, const u8 *source, u64 count)
{
    while (count--) *target++ = *source++;
}

void main(void)
{
    u64 state = 7, sum = 0;
    for (u64 i = 0; i < LARGE / 8; i++) from[i] = next_random(&state);
    for (u64 round = 0; round < rounds; round++) {
        copy_words(to, from, LARGE / 8);
        for (int page = 0; page < 256; page++) {
            u64 place = (next_random(&state) >> 55) * 512;
            copy_words(to + place, from + (page * 512), 512);
        }
        for (int string = 0; string < 512; string++) {
            u64 random = next_random(&state);
            copy_bytes((u8 *)to + (random & 0xfffff), (u8 *)from + (random >> 20 & 0xfffff), random >> 40 & 0x1ff);
        }
        sum = sum * 31 + to[next_random(&state) >> 46];
    }
    for (u64 i = 0; i < LARGE / 8; i++) sum = sum * 17 + to[i];
    print_result("copy", sum);
}
