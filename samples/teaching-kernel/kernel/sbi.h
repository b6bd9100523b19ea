// Calls to the firmware below the kernel (SBI: supervisor binary interface).
#pragma once

#include "types.h"

void sbi_init(void);
void sbi_put_char(char c);
void sbi_set_timer(uint64_t time);
void sbi_power_off(void) __attribute__((noreturn));

uint64_t sbi_specification_version(void);
uint64_t sbi_implementation(void);
bool sbi_has_debug_console(void);
