// Follows pointers through 64 MiB in random order: each step needs the one before, and nearly each another page.
#include "bench.h"
#define COUNT (1 << 20)
static struct node {
    struct node *next;
    u64 value[7];
} nodes[COUNT];

void main(void)
{
    u64 state = 13, sum = 0;
    // One cycle through all nodes (Sattolo's way).
    for (u64 i = 0; i < COUNT; i++) nodes[i].value[0] = i;
    for (u64 i = COUNT - 1; i > 0; i--) {
        u64 j = next_random(&state) % i, swapped = nodes[i].value[0];
        nodes[i].value[0] = nodes[j].value[0];
        nodes[j].value[0] = swapped;
    }
    for (u64 i = 0; i < COUNT; i++) nodes[i].next = &nodes[nodes[i].value[0]];
    struct node *node = nodes;
    for (u64 round = 0; round < rounds; round++) {
        for (u64 step = 0; step < 100000; step++) node = node->next;
        sum = sum * 31 + node->value[0];
    }
    print_result("chase", sum);
}
