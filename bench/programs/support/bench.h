// What a benchmark may use: fixed-size integers, its length, and a result printed through the UART.
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

// How often the program does its work; volatile, so that the compiler cannot use the number.
extern const volatile u64 rounds;

void print_text(const char *text);
void print_result(const char *name, u64 value);
// Ends the machine with success.
void finish(void);

// A random number generator with a state of 64 bits (xorshift).
static inline u64 next_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
