// Linked lists of 20,000 nodes in shuffled memory: sorted by merging, reversed, searched, and unlinked in part.
#include "bench.h"
#define COUNT 20000
struct node {
    struct node *next;
    u64 key;
};
static struct node nodes[COUNT];

static struct node *merge(struct node *a, struct node *b)
{
    struct node *head = 0, **tail = &head;
    while (a && b) {
        struct node **least = a->key <= b->key ? &a : &b;
        *tail = *least;
        tail = &(*tail)->next;
        *least = *tail;
    }
    *tail = a ? a : b;
    return head;
}

// Sorts the first `count` nodes, and cuts them off: *rest is what follows.
static struct node *sort(struct node *first, u32 count, struct node **rest)
{
    if (count == 1) {
        *rest = first->next;
        first->next = 0;
        return first;
    }
    struct node *middle;
    struct node *left = sort(first, count / 2, &middle);
    struct node *right = sort(middle, count - count / 2, rest);
    return merge(left, right);
}

static struct node *reverse(struct node *list)
{
    struct node *done = 0;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

void main(void)
{
    u64 state = 2463534242ul, sum = 0;
    for (u64 round = 0; round < rounds; round++) {
        struct node *list = 0, *rest;
        for (u32 i = 0; i < COUNT; i++) {
            struct node *node = &nodes[i * 7919ul % COUNT];
            node->key = next_random(&state) >> 40;
            node->next = list;
            list = node;
        }
        list = sort(list, COUNT, &rest);
        for (int search = 0; search < 8; search++) {
            u64 wanted = next_random(&state) >> 40, position = 0;
            for (struct node *node = list; node && node->key < wanted; node = node->next) position++;
            sum = sum * 31 + position;
            list = reverse(reverse(list));
        }
        for (struct node **link = &list; *link;) {
            if ((*link)->key % 3 == 0) *link = (*link)->next;
            else link = &(*link)->next;
        }
        for (struct node *node = list; node; node = node->next) sum = sum * 17 + node->key;
    }
    print_result("list", sum);
}
