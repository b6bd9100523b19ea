// The serial port, a UART of type 16550. Its registers are bytes in memory: reading and writing them has effects, hence
// volatile. Output waits until the device is ready; input arrives by interrupt.

#include "uart.h"
#include "console.h"

#define UART_REGISTER(number) (*(volatile uint8_t *)(UART_ADDRESS + (number)))
#define DATA UART_REGISTER(0)             // read: received byte; write: byte to send
#define INTERRUPT_ENABLE UART_REGISTER(1) // bit 0: interrupt when a byte was received
#define FIFO_CONTROL UART_REGISTER(2)     // bit 0: use the queues in the device
#define LINE_CONTROL UART_REGISTER(3)     // 3: eight data bits, no parity, one stop bit
#define LINE_STATUS UART_REGISTER(5)      // bit 0: a byte was received; bit 5: ready to send

void uart_init(void)
{
    INTERRUPT_ENABLE = 0;
    LINE_CONTROL = 3;
    FIFO_CONTROL = 1;
    INTERRUPT_ENABLE = 1;
}

void uart_put_char(char c)
{
    while (!(LINE_STATUS & 1 << 5)) {
    }
    DATA = c;
}

// The device has bytes for us. Taking all of them ends the interrupt.
void uart_interrupt_handler(void)
{
    while (LINE_STATUS & 1) console_receive(DATA); /* breakpoint: uart-input */
}
