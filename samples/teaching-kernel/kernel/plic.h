// The interrupt controller for devices (PLIC: platform-level interrupt controller).
#pragma once

#include "types.h"

// Its registers are spread over 4 MiB; the kernel maps only the pages that it needs.
#define PLIC_PRIORITIES_PAGE 0x0c000000UL
#define PLIC_ENABLES_PAGE 0x0c002000UL
#define PLIC_CONTEXT_PAGE 0x0c201000UL

void plic_init(void);
void plic_interrupt_handler(void);
