// Page tables of the kind Sv39 (Privileged 4.3 and 4.4). A table is a page with 512 entries. A virtual address has
// three indices of 9 bits, one for each level, and 12 bits for the place in the page:
//
//     38      30 29      21 20      12 11         0
//    | level 2  | level 1  | level 0  |  offset    |
//
// An entry with R, W or X set maps a page: 4 KiB at level 0, a superpage of 2 MiB at level 1. An entry with none of
// them points to the table of the next level.
//
// The kernel maps itself and all memory one to one, so it can use physical addresses as pointers. Each process has a
// root of its own: the kernel's entries (global pages, closed to U-mode) plus the process's own user pages.

#include "paging.h"
#include "console.h"
#include "csr.h"
#include "memory.h"
#include "plic.h"
#include "process.h"
#include "uart.h"

#define ENTRIES 512

// The fields of satp.
#define SATP_MODE_SV39 (8UL << 60)
#define ASID_SHIFT 44
#define ASID_MASK 0xffffUL

#define KERNEL_PAGE (PTE_VALID | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY)

// From the linker script.
extern char kernel_start[], kernel_rodata_start[], kernel_data_start[], kernel_end[];

static page_table_entry *kernel_root;
static bool asids_supported;

static uint64_t level_size(int level) { return PAGE_SIZE << 9 * level; }
static int level_index(uint64_t virtual_address, int level) { return virtual_address >> (12 + 9 * level) & 511; }
static bool is_leaf(page_table_entry entry) { return entry & (PTE_READ | PTE_WRITE | PTE_EXECUTE); }

uint64_t entry_address(page_table_entry entry) { return (entry >> 10 & 0xfffffffffff) << 12; }
static page_table_entry *entry_table(page_table_entry entry) { return (page_table_entry *)entry_address(entry); }
static page_table_entry make_entry(uint64_t address, uint64_t flags) { return address >> 12 << 10 | flags; }

page_table_entry *kernel_page_table(void) { return kernel_root; }

// ---- building tables ----

// Maps one page of the level's size. Missing tables on the way are made.
static void map_at_level(page_table_entry *root, int level, uint64_t virtual_address, uint64_t physical_address,
                         uint64_t flags)
{
    page_table_entry *table = root;
    for (int l = 2; l > level; l--) {
        page_table_entry *entry = &table[level_index(virtual_address, l)];
        if (!(*entry & PTE_VALID)) *entry = make_entry((uint64_t)allocate_page(), PTE_VALID);
        table = entry_table(*entry);
    }
    table[level_index(virtual_address, level)] = make_entry(physical_address, flags | PTE_VALID);
}

void map_page(page_table_entry *root, uint64_t virtual_address, uint64_t physical_address, uint64_t flags)
{
    map_at_level(root, 0, virtual_address, physical_address, flags);
}

// Maps a range of the kernel one to one, with superpages where they fit.
static void map_kernel_range(uint64_t start, uint64_t end, uint64_t flags)
{
    for (uint64_t address = start; address < end;) {
        bool superpage = address % SUPERPAGE_SIZE == 0 && end - address >= SUPERPAGE_SIZE;
        map_at_level(kernel_root, superpage ? 1 : 0, address, address, KERNEL_PAGE | flags);
        address += superpage ? SUPERPAGE_SIZE : PAGE_SIZE;
    }
}

// Makes the kernel's table and switches paging on. Nothing moves: the next instruction is mapped where it is.
void paging_init(uint64_t memory_end)
{
    kernel_root = allocate_page();
    map_kernel_range((uint64_t)kernel_start, (uint64_t)kernel_rodata_start, PTE_READ | PTE_EXECUTE);
    map_kernel_range((uint64_t)kernel_rodata_start, (uint64_t)kernel_data_start, PTE_READ);
    map_kernel_range((uint64_t)kernel_data_start, memory_end, PTE_READ | PTE_WRITE);

    map_kernel_range(UART_ADDRESS, UART_ADDRESS + PAGE_SIZE, PTE_READ | PTE_WRITE);
    map_kernel_range(PLIC_PRIORITIES_PAGE, PLIC_PRIORITIES_PAGE + PAGE_SIZE, PTE_READ | PTE_WRITE);
    map_kernel_range(PLIC_ENABLES_PAGE, PLIC_ENABLES_PAGE + PAGE_SIZE, PTE_READ | PTE_WRITE);
    map_kernel_range(PLIC_CONTEXT_PAGE, PLIC_CONTEXT_PAGE + PAGE_SIZE, PTE_READ | PTE_WRITE);

    fence_everything();
    use_page_table(kernel_root, ASID_MASK); /* breakpoint: paging-on */
    asids_supported = (read_csr(satp) >> ASID_SHIFT & ASID_MASK) != 0; // bits that do not exist read as 0
    use_page_table(kernel_root, 0);
    fence_everything();
}

// A root with the kernel's entries and an empty user space.
page_table_entry *create_user_page_table(void)
{
    page_table_entry *root = allocate_page();
    for (int i = 0; i < ENTRIES; i++) {
        bool user = i >= level_index(USER_SPACE_START, 2) && i < level_index(USER_SPACE_END, 2);
        root[i] = user ? 0 : kernel_root[i];
    }
    return root;
}

// Gives back the user pages below a table, and the tables that map them.
static void free_user_entries(page_table_entry *table, int first, int end, int level)
{
    for (int i = first; i < end; i++) {
        if (!(table[i] & PTE_VALID)) continue;
        if (level > 0) free_user_entries(entry_table(table[i]), 0, ENTRIES, level - 1);
        free_page(entry_table(table[i]));
    }
}

void destroy_user_page_table(page_table_entry *root)
{
    free_user_entries(root, level_index(USER_SPACE_START, 2), level_index(USER_SPACE_END, 2), 2);
    free_page(root);
}

// The entry that maps an address, or NULL.
page_table_entry *find_entry(page_table_entry *root, uint64_t virtual_address)
{
    page_table_entry *table = root;
    for (int level = 2; level >= 0; level--) {
        page_table_entry *entry = &table[level_index(virtual_address, level)];
        if (!(*entry & PTE_VALID)) return NULL;
        if (is_leaf(*entry)) return entry;
        table = entry_table(*entry);
    }
    return NULL;
}

// ---- satp and sfence.vma ----

// With ASIDs (address space identifiers) the hart keeps the translations of several spaces apart, and nothing must be
// forgotten here. Each space has its own; process.c fences an ASID when it is given to a new space.
void use_page_table(page_table_entry *root, uint64_t asid)
{
    write_csr(satp, SATP_MODE_SV39 | asid << ASID_SHIFT | (uint64_t)root >> 12);
    if (!asids_supported) fence_everything();
}

// The hart may go on using an old translation until it is told that the table has changed.
void fence_page(uint64_t virtual_address) { asm volatile("sfence.vma %0, zero" ::"r"(virtual_address) : "memory"); }
void fence_user_page(uint64_t virtual_address, uint64_t asid)
{
    asm volatile("sfence.vma %0, %1" ::"r"(virtual_address), "r"(asid) : "memory");
}
void fence_address_space(uint64_t asid) { asm volatile("sfence.vma zero, %0" ::"r"(asid) : "memory"); }
void fence_everything(void) { asm volatile("sfence.vma" ::: "memory"); }

// ---- page faults ----

// A user program used an address that is not mapped, or not for this. Inside its heap that is no mistake: the heap
// grows without getting memory, and each page is mapped when it is first used ("on demand"). False: a mistake.
bool page_fault_handler(struct process *process, uint64_t cause, uint64_t address)
{
    uint64_t page = ROUND_DOWN(address, PAGE_SIZE);
    bool write = cause == CAUSE_STORE_PAGE_FAULT;
    page_table_entry *entry = find_entry(process->root, address);

    if (entry != NULL) {
        // Mapped already. Some harts leave it to software to set A and D, and trap until they are set.
        uint64_t needed = cause == CAUSE_LOAD_PAGE_FAULT ? PTE_READ : write ? PTE_WRITE : PTE_EXECUTE;
        uint64_t marks = PTE_ACCESSED | (write ? PTE_DIRTY : 0);
        if (!(*entry & needed) || !(*entry & PTE_USER) || (*entry & marks) == marks) return false;
        *entry |= marks;
    } else {
        if (address < HEAP_START || address >= process->heap_end || cause == CAUSE_INSTRUCTION_PAGE_FAULT) return false;
        uint64_t physical_page = (uint64_t)allocate_page();
        map_page(process->root, page, physical_page, PTE_USER | PTE_READ | PTE_WRITE); /* breakpoint: demand-page */
        process->demand_pages++;
        print("[kernel] program %s %s 0x%x: page fault, so page 0x%x is mapped now\n", process->program->name,
              write ? "writes" : "reads", address, page);
    }
    fence_user_page(page, process->pid);
    return true;
}

// ---- showing a table ----

struct range {
    uint64_t start, end, physical_start, flags;
    int level;
};

static void print_range(const struct range *range)
{
    if (range->start == range->end) return;
    uint64_t flags = range->flags;
    print("  0x%x-0x%x at 0x%x %c%c%c %s%s, pages of %s\n", range->start, range->end - 1, range->physical_start,
          flags & PTE_READ ? 'R' : '-', flags & PTE_WRITE ? 'W' : '-', flags & PTE_EXECUTE ? 'X' : '-',
          flags & PTE_USER ? "user" : "kernel", flags & PTE_GLOBAL ? " global" : "",
          range->level == 0 ? "4 KiB" : range->level == 1 ? "2 MiB" : "1 GiB");
}

// Walks all entries below a table; neighbours that continue each other are shown as one range.
static void collect_ranges(const page_table_entry *table, int level, uint64_t start, struct range *range)
{
    for (int i = 0; i < ENTRIES; i++) {
        uint64_t address = start + i * level_size(level);
        page_table_entry entry = table[i];
        if (!(entry & PTE_VALID)) continue;
        if (!is_leaf(entry)) {
            collect_ranges(entry_table(entry), level - 1, address, range);
            continue;
        }
        uint64_t flags = entry & (PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_USER | PTE_GLOBAL);
        bool continues = range->end == address && range->flags == flags && range->level == level &&
                         entry_address(entry) == range->physical_start + (address - range->start);
        if (!continues) {
            print_range(range);
            *range = (struct range){address, address, entry_address(entry), flags, level};
        }
        range->end = address + level_size(level);
    }
}

void print_page_table(page_table_entry *root)
{
    struct range range = {0};
    collect_ranges(root, 2, 0, &range);
    print_range(&range);
}
