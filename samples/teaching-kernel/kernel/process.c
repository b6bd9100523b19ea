// A process: a user program that runs in its own address space. This file makes it and takes it apart; scheduler.c
// decides when it runs.

#include "process.h"
#include "csr.h"
#include "memory.h"
#include "text.h"

// ---- the programs in kernel.elf ----

// From kernel.ld: where the parts of a program are linked, and where their images lie in the kernel.
#define DECLARE_PART(part) extern const char part##_start[], part##_end[], part##_image[]
#define SEGMENT(part, page_flags) {part##_start, part##_end, part##_image, PTE_USER | (page_flags)}

DECLARE_PART(user_a_text);
DECLARE_PART(user_a_rodata);
DECLARE_PART(user_a_data);
DECLARE_PART(user_b_text);
DECLARE_PART(user_b_rodata);
DECLARE_PART(user_b_data);
DECLARE_PART(user_c_text);
DECLARE_PART(user_c_rodata);
DECLARE_PART(user_c_data);
extern void user_a_main(void);
extern void user_b_main(void);
extern void user_c_main(void);

const struct program programs[3] = {
    {"A", user_a_main, {
        SEGMENT(user_a_text, PTE_READ | PTE_EXECUTE),
        SEGMENT(user_a_rodata, PTE_READ),
        SEGMENT(user_a_data, PTE_READ | PTE_WRITE),
    }},
    {"B", user_b_main, {
        SEGMENT(user_b_text, PTE_READ | PTE_EXECUTE),
        SEGMENT(user_b_rodata, PTE_READ),
        SEGMENT(user_b_data, PTE_READ | PTE_WRITE),
    }},
    {"C", user_c_main, {
        SEGMENT(user_c_text, PTE_READ | PTE_EXECUTE),
        SEGMENT(user_c_rodata, PTE_READ),
        SEGMENT(user_c_data, PTE_READ | PTE_WRITE),
    }},
};

// ---- a process's life ----

// Copies a part of the program into fresh pages of the process.
static void load_segment(struct process *process, const struct segment *segment)
{
    size_t size = segment->end - segment->start;
    for (size_t offset = 0; offset < size; offset += PAGE_SIZE) {
        void *page = allocate_page();
        memcpy(page, segment->image + offset, size - offset < PAGE_SIZE ? size - offset : PAGE_SIZE);
        map_page(process->root, (uint64_t)segment->start + offset, (uint64_t)page, segment->flags);
    }
}

void process_create(struct process *process, uint64_t pid, const struct program *program)
{
    memset(process, 0, sizeof(*process));
    process->state = READY;
    process->pid = pid;
    process->program = program;
    process->root = create_user_page_table();
    process->heap_end = HEAP_START;
    for (int i = 0; i < 3; i++) load_segment(process, &program->segments[i]);
    map_page(process->root, STACK_TOP - PAGE_SIZE, (uint64_t)allocate_page(), PTE_USER | PTE_READ | PTE_WRITE);

    process->frame.sepc = (uint64_t)program->entry;
    process->frame.sp = STACK_TOP;
    process->frame.sstatus = (read_csr(sstatus) & ~(SSTATUS_SPP | SSTATUS_SIE)) | SSTATUS_SPIE; // SPP = 0: user mode

    // The pid may have been another process's before: what the hart remembers of that space must go. And it must not
    // run what lay at the new pages' addresses before the program was copied there.
    fence_address_space(pid);
    asm volatile("fence.i" ::: "memory");
}

void process_exit(struct process *process, int64_t exit_code)
{
    process->state = EXITED;
    process->exit_code = exit_code;
    process->gives_way = true;
}

// The hart must have left the process's address space.
void process_destroy(struct process *process)
{
    destroy_user_page_table(process->root);
    process->state = UNUSED;
}

// ---- a process's memory ----

// Answers the heap's old end, or -1 if the heap cannot be that large. No page is mapped yet: see page_fault_handler.
uint64_t process_grow_heap(struct process *process, uint64_t bytes)
{
    uint64_t old_end = process->heap_end;
    if (bytes > HEAP_LIMIT - old_end) return -1;
    process->heap_end += bytes;
    return old_end;
}

// Whether the process may read these bytes. The kernel asks before it reads on the process's behalf, and does for each
// page what a page fault of the process would have done: the kernel's own read must not fault.
bool process_may_read(struct process *process, uint64_t address, uint64_t size)
{
    if (address < USER_SPACE_START || address >= USER_SPACE_END || size > USER_SPACE_END - address) return false;
    const uint64_t needed = PTE_USER | PTE_READ | PTE_ACCESSED;
    for (uint64_t page = ROUND_DOWN(address, PAGE_SIZE); page < address + size; page += PAGE_SIZE) {
        const page_table_entry *entry = find_entry(process->root, page);
        bool ready = entry != NULL && (*entry & needed) == needed;
        if (!ready && !page_fault_handler(process, CAUSE_LOAD_PAGE_FAULT, page)) return false;
    }
    return true;
}

// How many of the heap's pages the A and D bits show as used, and as written.
void process_count_heap_pages(const struct process *process, uint64_t *accessed, uint64_t *dirty)
{
    *accessed = *dirty = 0;
    for (uint64_t page = HEAP_START; page < process->heap_end; page += PAGE_SIZE) {
        const page_table_entry *entry = find_entry(process->root, page);
        if (entry == NULL) continue;
        if (*entry & PTE_ACCESSED) ++*accessed;
        if (*entry & PTE_DIRTY) ++*dirty;
    }
}
