// Sorts random numbers recursively.
#include "bench.h"
#define COUNT 50000
static u64 numbers[COUNT];

static void sort(u64 *first, u64 *last)
{
    while (first < last) {
        u64 pivot = first[(last - first) / 2], *low = first, *high = last;
        while (low <= high) {
            while (*low < pivot) low++;
            while (*high > pivot) high--;
            if (low <= high) {
                u64 swapped = *low;
                *low++ = *high;
                *high-- = swapped;
            }
        }
        sort(first, high);
        first = low;
    }
}

void main(void)
{
    u64 state = 42, sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        for (int i = 0; i < COUNT; i++) numbers[i] = next_random(&state);
        sort(numbers, numbers + COUNT - 1);
        for (int i = 0; i < COUNT; i++) sum = sum * 31 + numbers[i];
    }
    print_result("quicksort", sum);
}
