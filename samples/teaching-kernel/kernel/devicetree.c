// Reads the device tree: a description of the machine that the firmware hands over (Devicetree Specification, chapter
// 5). It is a list of big-endian 32-bit tokens: a node begins, a property, a node ends.

#include "devicetree.h"
#include "text.h"

#define MAGIC 0xd00dfeed
#define BEGIN_NODE 1
#define END_NODE 2
#define PROPERTY 3
#define NO_OPERATION 4

struct tree_header {
    uint32_t magic, total_size, structure_offset, strings_offset;
};

static uint64_t read_big_endian(const void *at, size_t size)
{
    const uint8_t *bytes = at;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | bytes[i];
    return value;
}

static uint32_t word(const void *at) { return read_big_endian(at, 4); }

static bool starts_with(const char *text, const char *start)
{
    while (*start != '\0') {
        if (*text++ != *start++) return false;
    }
    return true;
}

// Fills in what it finds; false when this is no device tree, or one without memory.
// The root's #address-cells and #size-cells are 2 on every 64-bit machine that we know: addresses have 8 bytes.
bool read_device_tree(const void *tree, struct machine_description *machine)
{
    const struct tree_header *header = tree;
    if (tree == NULL || word(&header->magic) != MAGIC) return false;
    const char *at = (const char *)tree + word(&header->structure_offset);
    const char *end = (const char *)tree + word(&header->total_size);
    const char *strings = (const char *)tree + word(&header->strings_offset);

    *machine = (struct machine_description){.ticks_per_second = 10000000};
    bool in_memory = false;
    while (at < end) {
        uint32_t token = word(at);
        at += 4;
        if (token == BEGIN_NODE) {
            in_memory = starts_with(at, "memory@");
            at += ROUND_UP(text_length(at) + 1, 4);
        } else if (token == PROPERTY) {
            uint32_t size = word(at);
            const char *name = strings + word(at + 4);
            const char *value = at + 8;
            if (in_memory && machine->memory_size == 0 && text_equal(name, "reg") && size >= 16) {
                machine->memory_start = read_big_endian(value, 8);
                machine->memory_size = read_big_endian(value + 8, 8);
            } else if (text_equal(name, "timebase-frequency") && size == 4) {
                machine->ticks_per_second = word(value);
            }
            at = value + ROUND_UP(size, 4UL);
        } else if (token == END_NODE) {
            in_memory = false;
        } else if (token != NO_OPERATION) {
            break;
        }
    }
    return machine->memory_size != 0;
}
