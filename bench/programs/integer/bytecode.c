// An interpreter of byte code for a machine with a stack; the byte code computes lengths of Collatz sequences.
#include "bench.h"

enum operation { PUSH, LOAD, STORE, ADD, MULTIPLY, HALVE, IS_ODD, LESS, EQUAL, JUMP, JUMP_IF_ZERO, END };
enum { N, VALUE, STEPS, LIMIT, VARIABLES };

static const u8 code[] = {
    /*  0 */ LOAD, N, LOAD, LIMIT, LESS, JUMP_IF_ZERO, 58,
    /*  7 */ LOAD, N, STORE, VALUE,
    /* 11 */ LOAD, VALUE, PUSH, 1, EQUAL, JUMP_IF_ZERO, 27,
    /* 18 */ LOAD, N, PUSH, 1, ADD, STORE, N, JUMP, 0,
    /* 27 */ LOAD, STEPS, PUSH, 1, ADD, STORE, STEPS,
    /* 34 */ LOAD, VALUE, IS_ODD, JUMP_IF_ZERO, 51,
    /* 39 */ LOAD, VALUE, PUSH, 3, MULTIPLY, PUSH, 1, ADD, STORE, VALUE, JUMP, 11,
    /* 51 */ LOAD, VALUE, HALVE, STORE, VALUE, JUMP, 11,
    /* 58 */ END,
};

static u64 interpret(i64 from, i64 limit)
{
    i64 variables[VARIABLES] = {[N] = from, [LIMIT] = limit}, stack[16], *top = stack;
    u64 executed = 0;
    for (const u8 *at = code;; executed++) {
        switch ((enum operation)*at++) {
        case PUSH: *top++ = *at++; break;
        case LOAD: *top++ = variables[*at++]; break;
        case STORE: variables[*at++] = *--top; break;
        case ADD: top--, top[-1] += top[0]; break;
        case MULTIPLY: top--, top[-1] *= top[0]; break;
        case HALVE: top[-1] >>= 1; break;
        case IS_ODD: top[-1] &= 1; break;
        case LESS: top--, top[-1] = top[-1] < top[0]; break;
        case EQUAL: top--, top[-1] = top[-1] == top[0]; break;
        case JUMP: at = code + *at; break;
        case JUMP_IF_ZERO: at = *--top ? at + 1 : code + *at; break;
        case END: return variables[STEPS] * 1000003ul + executed;
        }
    }
}

void main(void)
{
    u64 sum = 0;
    for (u64 round = 0; round < rounds; round++) sum = sum * 31 + interpret(1 + round % 10, 300);
    print_result("bytecode", sum);
}
