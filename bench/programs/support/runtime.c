// What every benchmark is linked with: page tables, output, and the functions that the compiler calls by itself.
#include "user.h"

// DRAM that is mapped, in pages of 4 KiB: the size that user programs and most guests of a hypervisor see.
#define DRAM 0x80000000ul
#define MAPPED_MIB 128

u64 root_table[512] __attribute__((aligned(4096)));
static u64 middle_table[512] __attribute__((aligned(4096)));
static u64 leaf_tables[MAPPED_MIB / 2][512] __attribute__((aligned(4096)));

// In M-mode, before main: returns the value for satp.
u64 build_page_tables(void)
{
    for (u64 i = 0; i < MAPPED_MIB / 2; i++) {
        middle_table[i] = pte((u64)leaf_tables[i], V);
        for (u64 j = 0; j < 512; j++) leaf_tables[i][j] = pte(DRAM + (i * 512 + j) * PAGE, V | R | W | X | A | D);
    }
    root_table[0] = pte(0, V | R | W | A | D);
    root_table[2] = pte((u64)middle_table, V);
    return satp(root_table, 0);
}

void open_user_pages(void)
{
    extern u8 user_begin[], user_end[];
    for (u64 page = (u64)user_begin; page < (u64)user_end; page += PAGE)
        leaf_tables[(page - DRAM) / PAGE / 512][(page - DRAM) / PAGE % 512] |= U;
    fence_all();
    set_csr(sstatus, 1 << 18); // SUM
}

void print_text(const char *text)
{
    volatile u8 *uart = (volatile u8 *)0x10000000;
    while (*text) *uart = *text++;
}

static void print_number(u64 value)
{
    char text[17];
    for (int i = 0; i < 16; i++) text[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
    text[16] = 0;
    print_text(text);
}

void print_result(const char *name, u64 value)
{
    print_text(name);
    print_text(" ");
    print_number(value);
    print_text("\n");
}

void unexpected_trap(u64 cause, u64 pc, u64 value)
{
    print_result("unexpected trap, cause", cause);
    print_result("at", pc);
    print_result("value", value);
    *(volatile u32 *)0x100000 = 0x13333;
    for (;;) {
    }
}

void *memcpy(void *to, const void *from, u64 length)
{
    u8 *target = to;
    const u8 *source = from;
    if ((((u64)target ^ (u64)source) & 7) == 0) {
        for (; length && ((u64)target & 7); length--) *target++ = *source++;
        for (; length >= 8; length -= 8, target += 8, source += 8) *(u64 *)target = *(const u64 *)source;
    }
    while (length--) *target++ = *source++;
    return to;
}

void *memset(void *to, int byte, u64 length)
{
    u8 *target = to;
    const u64 word = (u8)byte * 0x0101010101010101ul;
    for (; length && ((u64)target & 7); length--) *target++ = byte;
    for (; length >= 8; length -= 8, target += 8) *(u64 *)target = word;
    while (length--) *target++ = byte;
    return to;
}
