// The serial port, a UART of type 16550.
#pragma once

#include "types.h"

#define UART_ADDRESS 0x10000000UL

void uart_init(void);
void uart_put_char(char c);
void uart_interrupt_handler(void);
