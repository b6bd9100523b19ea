// The console: formatted output, and input that waits in a queue until the kernel reads it.

#include "console.h"
#include "csr.h"
#include "sbi.h"
#include "trap.h"
#include "uart.h"
#include <stdarg.h>

// ---- output ----

static bool uart_is_mapped;
static struct held_output *holder; // where output goes instead of the console, or NULL

void console_use_uart(void) { uart_is_mapped = true; }
void console_hold(struct held_output *held) { holder = held; }

void console_put_char(char c)
{
    if (holder != NULL) {
        if (holder->length < sizeof(holder->text)) holder->text[holder->length++] = c;
        return;
    }
    if (c == '\n') console_put_char('\r'); // a terminal wants both: back to the left, and down
    if (uart_is_mapped) {
        uart_put_char(c);
    } else {
        sbi_put_char(c);
    }
}

// Shows what was held back.
void console_release(struct held_output *held)
{
    for (size_t i = 0; i < held->length; i++) console_put_char(held->text[i]);
    held->length = 0;
}

static void print_number(uint64_t value, unsigned base)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) console_put_char(digits[--count]);
}

static void print_decimal(int64_t value)
{
    if (value < 0) console_put_char('-');
    print_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (const char *p = format; *p != '\0'; p++) {
        if (*p != '%') {
            console_put_char(*p);
            continue;
        }
        switch (*++p) {
        case 's':
            for (const char *text = va_arg(arguments, const char *); *text != '\0'; text++) console_put_char(*text);
            break;
        case 'c': console_put_char(va_arg(arguments, int)); break;
        case 'd': print_decimal(va_arg(arguments, int64_t)); break;
        case 'x': print_number(va_arg(arguments, uint64_t), 16); break;
        default: console_put_char(*p); break;
        }
    }
    va_end(arguments);
}

void panic(const char *message)
{
    interrupts_off();
    console_hold(NULL);
    print("panic: %s\n", message);
    sbi_power_off();
}

// ---- input ----

// A ring: the interrupt handler adds at the end, the reader takes from the start. Each moves only its own index, so
// neither needs a lock. The indices count for ever; their remainder is the position in the ring.
#define INPUT_SIZE 256
static volatile char input[INPUT_SIZE];
static volatile size_t input_end, input_start;

// Called by the UART's interrupt handler. When nobody reads for long, bytes are lost.
void console_receive(char c)
{
    if (input_end - input_start == INPUT_SIZE) return;
    input[input_end % INPUT_SIZE] = c;
    input_end++;
}

// Waits for a byte. Interrupts must be on; they are off only between the question whether the ring is empty and the
// wfi: otherwise a byte that arrives just there would be slept over. wfi ends when an interrupt is pending, even
// while it cannot be taken.
char console_read_char(void)
{
    for (;;) {
        interrupts_off();
        if (input_start != input_end) break;
        asm volatile("wfi"); /* breakpoint: idle */
        interrupts_on();
    }
    char c = input[input_start % INPUT_SIZE];
    input_start++;
    interrupts_on();
    return c;
}
