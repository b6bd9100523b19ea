// The console: formatted output, and input that waits in a queue until the kernel reads it.
#pragma once

#include "types.h"

// Output that is kept instead of shown (see scheduler.c).
struct held_output {
    size_t length;
    char text[2048];
};

void console_use_uart(void);
void console_put_char(char c);
void console_hold(struct held_output *held);
void console_release(struct held_output *held);

void console_receive(char c);
char console_read_char(void);

// %s text, %c character, %d decimal, %x hexadecimal; numbers are 64 bits wide.
void print(const char *format, ...);
void panic(const char *message) __attribute__((noreturn));
