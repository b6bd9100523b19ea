// Memory and text: the few functions of a C library that the kernel needs.
#pragma once

#include "types.h"

void *memset(void *target, int value, size_t size);
void *memcpy(void *target, const void *source, size_t size);
bool text_equal(const char *left, const char *right);
size_t text_length(const char *text);
