// Page tables of the kind Sv39: three levels, pages of 4 KiB and 2 MiB.
#pragma once

#include "types.h"

struct process;

typedef uint64_t page_table_entry;

#define PTE_VALID (1UL << 0)
#define PTE_READ (1UL << 1)
#define PTE_WRITE (1UL << 2)
#define PTE_EXECUTE (1UL << 3)
#define PTE_USER (1UL << 4)     // for U-mode; S-mode needs sstatus.SUM
#define PTE_GLOBAL (1UL << 5)   // the same in every address space
#define PTE_ACCESSED (1UL << 6) // set when the page is read, written or executed
#define PTE_DIRTY (1UL << 7)    // set when the page is written

// A place in the kernel's address space for mistakes.c, with nothing else around it.
#define STUDY_ADDRESS 0x30000000UL

// Everything with these level-2 indices is the process's own; the rest of its root is a copy of the kernel's.
#define USER_SPACE_START 0x40000000UL
#define USER_SPACE_END 0x80000000UL

void paging_init(uint64_t memory_end);
page_table_entry *kernel_page_table(void);
page_table_entry *create_user_page_table(void);
void destroy_user_page_table(page_table_entry *root);
void use_page_table(page_table_entry *root, uint64_t asid);

void map_page(page_table_entry *root, uint64_t virtual_address, uint64_t physical_address, uint64_t flags);
page_table_entry *find_entry(page_table_entry *root, uint64_t virtual_address);
uint64_t entry_address(page_table_entry entry);

void fence_page(uint64_t virtual_address);
void fence_user_page(uint64_t virtual_address, uint64_t asid);
void fence_address_space(uint64_t asid);
void fence_everything(void);

bool page_fault_handler(struct process *process, uint64_t cause, uint64_t address);
void print_page_table(page_table_entry *root);
