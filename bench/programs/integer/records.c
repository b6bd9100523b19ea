// In the manner of Dhrystone: records through pointers, strings compared and copied, small functions, mixed statements.
#include "bench.h"
#define APART __attribute__((noinline))

enum kind { FIRST, SECOND, THIRD };
struct record {
    struct record *next;
    enum kind kind;
    int number;
    char text[32];
};

static struct record records[64];
static int table[64], grid[16][16];
static char last_letter;

APART static int compare(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return (u8)*a - (u8)*b;
}

APART static void copy(char *to, const char *from)
{
    while ((*to++ = *from++)) {
    }
}

APART static enum kind letter_kind(char one, char two)
{
    char first = one;
    if (first != two) return FIRST;
    last_letter = first;
    return SECOND;
}

APART static int is_later(const char *a, const char *b)
{
    int at = 2;
    char letter = 'A';
    while (at <= 2) {
        if (letter_kind(a[at], b[at + 1]) == FIRST) {
            letter = 'B';
            at++;
        } else {
            break;
        }
    }
    if (letter >= 'W' && letter < 'Z') at = 7;
    if (compare(a, b) > 0) {
        table[at]++;
        return 1;
    }
    return letter == 'R';
}

APART static enum kind next_kind(enum kind kind, int number)
{
    switch (kind) {
    case FIRST: return number > 100 ? SECOND : THIRD;
    case SECOND: return number & 1 ? FIRST : THIRD;
    default: return number % 5 ? FIRST : SECOND;
    }
}

APART static void fill(int at, int value)
{
    int place = at & 15;
    for (int i = place; i <= place + 1; i++) grid[place][i & 15] = value;
    grid[(place + 5) & 15][place] += grid[place][place] / 3;
    table[at & 63] = value;
    table[(at + 30) & 63] = table[at & 63] * 2 - at;
}

APART static void advance(struct record *record)
{
    struct record *next = record->next;
    struct record saved = *record;
    record->number = (record->number + next->number) & 0xffff;
    record->kind = next_kind(record->kind, record->number);
    if (next->kind == FIRST) {
        next->number += 6;
        next->next = saved.next->next;
        next->next = next + 1 < records + 64 ? next + 1 : records;
    } else {
        *next = saved;
        next->next = next + 1 < records + 64 ? next + 1 : records;
    }
}

void main(void)
{
    char one[32], two[32];
    u64 sum = 0;
    for (int i = 0; i < 64; i++) {
        records[i].next = &records[(i + 1) & 63];
        records[i].kind = i % 3;
        records[i].number = i * 7;
        copy(records[i].text, "A RECORD, AND SOME STRING");
        records[i].text[3 + i % 16] += i & 3;
    }
    for (u64 round = 0; round < rounds; round++) {
        for (int i = 0; i < 1000; i++) {
            struct record *record = &records[i & 63];
            copy(one, "A RECORD, AND 1ST STRING");
            copy(two, record->text);
            int later = is_later(one, two);
            fill(i, record->number + later);
            advance(record);
            int number = record->number * 3 / (1 + (i & 7));
            record->number = (number - 7 * later) & 0xffff;
            if (record->kind == THIRD) record->text[8 + (i & 7)] = 'a' + (number & 15);
        }
        sum = sum * 31 + records[round & 63].number + table[round & 63] + grid[3][round & 15] + last_letter;
    }
    print_result("records", sum);
}
