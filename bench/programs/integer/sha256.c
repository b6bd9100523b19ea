// SHA-256 over a buffer (FIPS 180-4).
#include "bench.h"
#define LENGTH 16384
static u8 message[LENGTH];
static u32 constants[64], hash[8];

// The first 32 bits of the fractional part of the square root or cube root of n, by bisection.
static u32 root_fraction(u64 n, int power)
{
    u64 low = 0, high = 1ul << 36; // the root times 2^32 lies between
    while (high - low > 1) {
        u64 middle = (low + high) / 2;
        unsigned __int128 product = (unsigned __int128)middle * middle;
        if (power == 3) product = (product >> 8) * middle;
        if (product > (unsigned __int128)n << (power == 3 ? 88 : 64)) high = middle;
        else low = middle;
    }
    return low;
}

static void find_constants(void)
{
    int count = 0;
    for (u32 n = 2; count < 64; n++) {
        int is_prime = 1;
        for (u32 d = 2; d * d <= n; d++) is_prime &= n % d != 0;
        if (!is_prime) continue;
        if (count < 8) hash[count] = root_fraction(n, 2);
        constants[count++] = root_fraction(n, 3);
    }
}

static u32 rotate(u32 x, int by) { return x >> by | x << (32 - by); }

static void block(const u8 *at)
{
    u32 w[64];
    for (int i = 0; i < 16; i++, at += 4) w[i] = (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
    for (int i = 16; i < 64; i++) {
        u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int i = 0; i < 64; i++) {
        u32 s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        u32 t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[i] + w[i];
        u32 s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        u32 t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

void main(void)
{
    u64 state = 5489;
    find_constants();
    if (constants[63] != 0xc67178f2 || hash[7] != 0x5be0cd19) print_text("wrong constants\n");
    for (u32 i = 0; i < LENGTH; i++) message[i] = next_random(&state);
    for (u64 round = 0; round < rounds; round++)
        for (u32 at = 0; at < LENGTH; at += 64) block(message + at);
    print_result("sha256", (u64)hash[0] << 32 | hash[7]);
}
