// CRC-32 over a buffer, bit by bit and by table.
#include "bench.h"
static u8 buffer[65536];
static u32 table[256];

int main(void)
{
    u64 state = 1234567;
    for (u32 i = 0; i < sizeof buffer; i++) buffer[i] = next_random(&state);
    for (u32 i = 0; i < 256; i++) {
        u32 value = i;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
        table[i] = value;
    }
    u32 crc = ~0u;
    for (int round = 0; round < 400; round++)
        for (u32 i = 0; i < sizeof buffer; i++) crc = table[(crc ^ buffer[i]) & 255] ^ (crc >> 8);
    for (int round = 0; round < 20; round++)
        for (u32 i = 0; i < sizeof buffer; i++) {
            crc ^= buffer[i];
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
        }
    print_result("crc", crc);
}
