// A process: a user program that runs in its own address space.
#pragma once

#include "console.h"
#include "paging.h"
#include "trap.h"
#include "types.h"

// Where things lie in every process. The programs themselves lie where kernel.ld has linked them.
#define HEAP_START 0x60000000UL
#define HEAP_LIMIT 0x60100000UL
#define STACK_TOP 0x7ffff000UL

// A part of a program: where it must lie in the process, and its image in the kernel.
struct segment {
    const char *start, *end;
    const char *image;
    uint64_t flags; // of its pages
};

struct program {
    const char *name;
    void (*entry)(void);
    struct segment segments[3];
};

enum process_state { UNUSED, READY, EXITED };

struct process {
    enum process_state state;
    uint64_t pid; // its address space identifier (ASID) too
    const struct program *program;
    struct trap_frame frame; // the registers, while the program does not run
    page_table_entry *root;
    uint64_t heap_end;
    uint64_t demand_pages; // mapped by page_fault_handler
    uint64_t preemptions;  // how often the timer took the processor away from it
    bool gives_way;        // another process shall run next: set by the timer, by yield and by exit
    int64_t exit_code;
    struct held_output output; // waiting for its turn on the console
};

extern const struct program programs[3];

void process_create(struct process *process, uint64_t pid, const struct program *program);
void process_exit(struct process *process, int64_t exit_code);
void process_destroy(struct process *process);
uint64_t process_grow_heap(struct process *process, uint64_t bytes);
bool process_may_read(struct process *process, uint64_t address, uint64_t size);
void process_count_heap_pages(const struct process *process, uint64_t *accessed, uint64_t *dirty);
