// Mistakes that a kernel can make, to study what the hart does then.
#pragma once

void null_dereference(void);
void write_to_read_only_page(void);
void missing_sfence(void);
void illegal_csr_access(void);
