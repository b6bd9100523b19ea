// The kernel's prompt.
#pragma once

void prompt_loop(void) __attribute__((noreturn));
