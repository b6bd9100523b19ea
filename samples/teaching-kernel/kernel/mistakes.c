// Mistakes that a kernel can make, to study what the hart does then. The prompt calls them through call_with_recovery,
// so that the kernel survives them.

#include "mistakes.h"
#include "console.h"
#include "csr.h"
#include "memory.h"
#include "paging.h"

// The address is volatile: the compiler must not know that the access cannot work.
static volatile uint64_t *volatile no_object = NULL;

// Reads through a pointer that points to nothing. No page is mapped at address 0, so the load traps.
void null_dereference(void)
{
    print("Reading the object at address 0 ...\n");
    uint64_t value = *no_object; /* breakpoint: null-dereference */
    print("This line is never reached: 0x%x\n", value);
}

static const uint64_t constant = 42;

// Writes to a constant. The page that it lies in is mapped without W, so the store traps.
void write_to_read_only_page(void)
{
    volatile uint64_t *address = (volatile uint64_t *)&constant;
    print("The constant at 0x%x is %d. Writing to it ...\n", (uint64_t)address, constant);
    *address = 43; /* breakpoint: read-only-write */
    print("This line is never reached: %d\n", constant);
}

// Changes which page an address is mapped to, but tells the hart too late. In between, the hart may use the old page,
// because it remembers the translation, or the new one, because it happened to forget. Both are right. Nothing traps:
// this is why such mistakes are hard to find.
void missing_sfence(void)
{
    uint64_t *old_page = allocate_page();
    uint64_t *new_page = allocate_page();
    volatile uint64_t *studied = (volatile uint64_t *)STUDY_ADDRESS;
    old_page[0] = 1111;
    new_page[0] = 2222;

    uint64_t flags = PTE_READ | PTE_GLOBAL | PTE_ACCESSED;
    map_page(kernel_page_table(), STUDY_ADDRESS, (uint64_t)old_page, flags);
    fence_page(STUDY_ADDRESS);
    print("Address 0x%x is mapped to the old page: reading gives %d.\n", STUDY_ADDRESS, *studied);

    map_page(kernel_page_table(), STUDY_ADDRESS, (uint64_t)new_page, flags);
    uint64_t value = *studied; /* breakpoint: missing-sfence */
    print("It is mapped to the new page now, without sfence.vma: reading gives %d, from the %s page.\n", value,
          value == 1111 ? "old" : "new");

    fence_page(STUDY_ADDRESS);
    print("After sfence.vma: reading gives %d.\n", *studied);

    *find_entry(kernel_page_table(), STUDY_ADDRESS) = 0;
    fence_page(STUDY_ADDRESS);
    free_page(old_page);
    free_page(new_page);
}

// Writes a CSR that belongs to machine mode. In S-mode, it does not exist.
void illegal_csr_access(void)
{
    print("Writing mscratch, a CSR of machine mode ...\n");
    write_csr(mscratch, 42); /* breakpoint: illegal-csr */
    print("This line is never reached.\n");
}
