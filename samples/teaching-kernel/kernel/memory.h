// The physical pages that nobody uses yet.
#pragma once

#include "types.h"

void memory_init(uint64_t start, uint64_t end);
void *allocate_page(void);
void free_page(void *page);
uint64_t count_free_pages(void);
