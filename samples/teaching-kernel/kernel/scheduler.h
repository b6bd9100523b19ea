// Runs user programs in turn.
#pragma once

void run_user_programs(void);
void run_trespassing_program(void);
