// The clock tick that takes the processor away from a user program.
#pragma once

#include "types.h"

void timer_init(uint64_t ticks_per_second);
void timer_start(void);
void timer_stop(void);
void timer_interrupt_handler(void);

uint64_t timer_now(void);
uint64_t timer_interrupt_count(void);
