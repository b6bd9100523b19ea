// What a benchmark may use: fixed-size integers, and a result printed through the UART.
#pragma once
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

static inline void print_result(const char *name, u64 value)
{
    volatile u8 *uart = (volatile u8 *)0x10000000;
    while (*name) *uart = *name++;
    *uart = ' ';
    for (int shift = 60; shift >= 0; shift -= 4) *uart = "0123456789abcdef"[(value >> shift) & 15];
    *uart = '\n';
}

// A random number generator with a state of 64 bits (xorshift).
static inline u64 next_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
