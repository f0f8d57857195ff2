// SPDX-License-Identifier: Apache-2.0
// The signals of a role: TERM and INT ask for a clean stop, a second one for a quick stop. Called once from main.
#include <signal.h>

#include "common/http.h"

volatile bool process_stop;
volatile bool process_stop_now;

static void stop_wanted(int signal_number)
{
    (void)signal_number;
    if (process_stop) process_stop_now = true;
    process_stop = true;
}

void process_signals(void)
{
    // Without SA_RESTART: a read or a wait of the main thread ends with EINTR and sees the flag.
    struct sigaction stop = {.sa_handler = stop_wanted}, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&stop.sa_mask);
    sigaddset(&stop.sa_mask, SIGTERM);
    sigaddset(&stop.sa_mask, SIGINT);
    ENSURE(sigaction(SIGTERM, &stop, NULL) == 0);
    ENSURE(sigaction(SIGINT, &stop, NULL) == 0);
    ENSURE(sigaction(SIGPIPE, &ignore, NULL) == 0);
}
