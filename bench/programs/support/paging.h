// Sv39 page tables, for programs that change them.
#pragma once
#include "bench.h"

#define PAGE 4096ul
enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };

static inline u64 pte(u64 address, u64 flags) { return address >> 12 << 10 | flags; }
static inline u64 pte_address(u64 entry) { return entry >> 10 << 12; }
static inline u64 satp(const u64 *root, u64 asid) { return 8ul << 60 | asid << 44 | (u64)root >> 12; }

#define read_csr(name) ({ u64 value_; asm volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define write_csr(name, value) asm volatile("csrw " #name ", %0" ::"r"((u64)(value)) : "memory")
#define set_csr(name, value) asm volatile("csrs " #name ", %0" ::"r"((u64)(value)) : "memory")
#define clear_csr(name, value) asm volatile("csrc " #name ", %0" ::"r"((u64)(value)) : "memory")

static inline void fence_page(u64 address) { asm volatile("sfence.vma %0, zero" ::"r"(address) : "memory"); }
static inline void fence_all(void) { asm volatile("sfence.vma" ::: "memory"); }

// The root table that the program starts with: devices and 128 MiB of DRAM, each at its physical address.
extern u64 root_table[512];
