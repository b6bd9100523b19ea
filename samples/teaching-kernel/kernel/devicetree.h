// What the kernel wants to know from the device tree.
#pragma once

#include "types.h"

struct machine_description {
    uint64_t memory_start;
    uint64_t memory_size;
    uint64_t ticks_per_second; // of the time register
};

bool read_device_tree(const void *tree, struct machine_description *machine);
