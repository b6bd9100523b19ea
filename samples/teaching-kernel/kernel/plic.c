// The interrupt controller for devices. All devices' interrupts come as one: the "external" interrupt. The handler asks
// the PLIC which device it was (a claim), and tells it when that is served (a completion).
// Context 0 is M-mode of hart 0, which belongs to the firmware; context 1 is S-mode of hart 0: ours.

#include "plic.h"
#include "uart.h"

#define UART_INTERRUPT 10

#define PLIC_REGISTER(address) (*(volatile uint32_t *)(address))
#define PRIORITY(source) PLIC_REGISTER(PLIC_PRIORITIES_PAGE + 4 * (source))
#define ENABLED_SOURCES PLIC_REGISTER(PLIC_ENABLES_PAGE + 0x80) // context 1, sources 0 to 31
#define THRESHOLD PLIC_REGISTER(PLIC_CONTEXT_PAGE)
#define CLAIM PLIC_REGISTER(PLIC_CONTEXT_PAGE + 4) // read: claim; write: completion

void plic_init(void)
{
    PRIORITY(UART_INTERRUPT) = 1; // 0 would mean never
    ENABLED_SOURCES = 1 << UART_INTERRUPT;
    THRESHOLD = 0; // every priority above 0 gets through
}

void plic_interrupt_handler(void)
{
    uint32_t source = CLAIM;
    if (source == 0) return; // nothing was pending any more
    if (source == UART_INTERRUPT) uart_interrupt_handler();
    CLAIM = source;
}
