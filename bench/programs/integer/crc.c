// CRC-32 over a buffer, by table and bit by bit.
#include "bench.h"
static u8 buffer[65536];
static u32 table[256];

void main(void)
{
    u64 state = 1234567;
    for (u32 i = 0; i < sizeof buffer; i++) buffer[i] = next_random(&state);
    for (u32 i = 0; i < 256; i++) {
        u32 value = i;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
        table[i] = value;
    }
    u32 crc = ~0u;
    for (u64 round = 0; round < rounds; round++) {
        for (int pass = 0; pass < 10; pass++)
            for (u32 i = 0; i < sizeof buffer; i++) crc = table[(crc ^ buffer[i]) & 255] ^ (crc >> 8);
        for (u32 i = 0; i < sizeof buffer; i++) {
            crc ^= buffer[i];
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
        }
    }
    print_result("crc", crc);
}
