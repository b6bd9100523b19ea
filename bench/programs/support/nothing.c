// Does nothing: what is left is the start and the end of a machine.
#include "bench.h"

void main(void) { print_result("nothing", rounds); }
