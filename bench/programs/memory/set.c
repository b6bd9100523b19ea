// Fills memory: large blocks and pages by words, and short pieces of odd length and alignment by bytes.
#include "bench.h"
#define LARGE (2 << 20)
static u64 memory[LARGE / 8];

static void set_words(u64 *target, u64 value, u64 count)
{
    for (u64 i = 0; i < count; i += 8) {
        target[i] = target[i + 1] = target[i + 2] = target[i + 3] = value;
        target[i + 4] = target[i + 5] = target[i + 6] = target[i + 7] = value;
    }
}

static void set_bytes(u8 *target, u8 value, u64 count)
{
    while (count--) *target++ = value;
}

void main(void)
{
    u64 state = 11, sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        set_words(memory, round, LARGE / 8);
        for (int page = 0; page < 256; page++) set_words(memory + (next_random(&state) >> 55) * 512, page, 512);
        for (int piece = 0; piece < 512; piece++) {
            u64 random = next_random(&state);
            set_bytes((u8 *)memory + (random & 0xfffff), random >> 20, random >> 40 & 0x1ff);
        }
        sum = sum * 31 + memory[next_random(&state) >> 46];
    }
    for (u64 i = 0; i < LARGE / 8; i++) sum = sum * 17 + memory[i];
    print_result("set", sum);
}
