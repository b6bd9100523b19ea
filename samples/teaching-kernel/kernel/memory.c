// The physical pages that nobody uses yet. Fresh pages are taken in order from the rest of memory; pages that were
// given back form a list, each holding the address of the next. Memory that is never used is never touched.

#include "memory.h"
#include "console.h"
#include "text.h"

struct free_page {
    struct free_page *next;
};

static struct free_page *free_list;
static uint64_t next_fresh_page, memory_end;
static uint64_t free_count;

void memory_init(uint64_t start, uint64_t end)
{
    next_fresh_page = ROUND_UP(start, PAGE_SIZE);
    memory_end = ROUND_DOWN(end, PAGE_SIZE);
    free_count = (memory_end - next_fresh_page) / PAGE_SIZE;
}

// A page full of zeros. Physical and kernel addresses are the same.
void *allocate_page(void)
{
    void *page = free_list;
    if (page != NULL) {
        free_list = free_list->next;
    } else if (next_fresh_page < memory_end) {
        page = (void *)next_fresh_page;
        next_fresh_page += PAGE_SIZE;
    } else {
        panic("out of memory.");
    }
    free_count--;
    return memset(page, 0, PAGE_SIZE);
}

void free_page(void *page)
{
    struct free_page *freed = page;
    freed->next = free_list;
    free_list = freed;
    free_count++;
}

uint64_t count_free_pages(void) { return free_count; }
