// The few types that every part of the kernel uses, and the size of a page.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096UL
#define SUPERPAGE_SIZE (512 * PAGE_SIZE) // 2 MiB: one entry of a level-1 table

#define ROUND_DOWN(value, size) ((value) & ~((size)-1))
#define ROUND_UP(value, size) ROUND_DOWN((value) + (size)-1, size)
