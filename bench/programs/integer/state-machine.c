// Splits a text into the tokens of a small language, one character and one jump through a table at a time.
#include "bench.h"
#define LENGTH 40000
static u8 text[LENGTH + 1];

enum state {
    BETWEEN, NAME, NUMBER, FRACTION, EXPONENT, STRING, ESCAPE, SLASH, COMMENT, STAR, OPERATOR, DIRECTIVE,
};
enum { TOKENS = 16 };
static u64 tokens[TOKENS];

static int is_digit(u8 c) { return c >= '0' && c <= '9'; }
static int is_letter(u8 c) { return (c >= 'a' && c <= 'z') || c == '_'; }

static enum state begin(u8 c)
{
    if (is_letter(c)) return NAME;
    if (is_digit(c)) return NUMBER;
    if (c == '"') return STRING;
    if (c == '/') return SLASH;
    if (c == '#') return DIRECTIVE;
    if (c == ' ' || c == '\n') return BETWEEN;
    return OPERATOR;
}

static u64 scan(void)
{
    enum state state = BETWEEN;
    u64 hash = 0;
    for (const u8 *at = text; *at; at++) {
        const u8 c = *at;
        const enum state before = state;
        switch (state) {
        case BETWEEN: state = begin(c); break;
        case NAME: if (!is_letter(c) && !is_digit(c)) state = begin(c); break;
        case NUMBER:
            if (c == '.') state = FRACTION;
            else if (c == 'e') state = EXPONENT;
            else if (!is_digit(c)) state = begin(c);
            break;
        case FRACTION:
            if (c == 'e') state = EXPONENT;
            else if (!is_digit(c)) state = begin(c);
            break;
        case EXPONENT: if (!is_digit(c) && c != '-') state = begin(c); break;
        case STRING:
            if (c == '"') state = BETWEEN;
            else if (c == '\\') state = ESCAPE;
            break;
        case ESCAPE: state = STRING; break;
        case SLASH: state = c == '*' ? COMMENT : begin(c); break;
        case COMMENT: if (c == '*') state = STAR; break;
        case STAR: if (c != '*') state = c == '/' ? BETWEEN : COMMENT; break;
        case OPERATOR: state = begin(c); break;
        case DIRECTIVE: if (c == '\n') state = BETWEEN; break;
        }
        if (state != before) {
            tokens[before]++;
            hash = hash * 31 + c;
        }
    }
    return hash;
}

void main(void)
{
    static const char *const pieces[] = {
        "while ", "(index", " < 10", ") {\n", "value_2", " = 3.14", "e-2", " * ", "\"a \\\" b\"", "/* of no ** use */",
        "; ", "#define x 1\n", "a", "1e5 ", "}\n", "/",
    };
    u64 seed = 99, length = 0, sum = 0;
    for (;;) {
        const char *piece = pieces[next_random(&seed) >> 60];
        u64 end = length;
        while (*piece && end < LENGTH) text[end++] = *piece++;
        if (end == LENGTH) break;
        length = end;
    }
    text[length] = 0;
    for (u64 round = 0; round < rounds; round++) {
        sum = sum * 17 + scan();
        text[round % length] ^= round % 7 == 0;
        if (!text[round % length]) text[round % length] = ' ';
    }
    for (int i = 0; i < TOKENS; i++) sum = sum * 31 + tokens[i];
    print_result("state-machine", sum);
}
