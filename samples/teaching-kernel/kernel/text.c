// Memory and text: the few functions of a C library that the kernel needs. The compiler calls memset and memcpy too.

#include "text.h"

void *memset(void *target, int value, size_t size)
{
    uint8_t *bytes = target;
    for (size_t i = 0; i < size; i++) bytes[i] = value;
    return target;
}

void *memcpy(void *target, const void *source, size_t size)
{
    uint8_t *to = target;
    const uint8_t *from = source;
    for (size_t i = 0; i < size; i++) to[i] = from[i];
    return target;
}

bool text_equal(const char *left, const char *right)
{
    while (*left && *left == *right) left++, right++;
    return *left == *right;
}

size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length]) length++;
    return length;
}
