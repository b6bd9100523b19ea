// Runs the user programs in turn.
#pragma once

void run_user_programs(void);
