// SPDX-License-Identifier: Apache-2.0
// A relay between one client and PostgreSQL that loses the answer to COMMIT, or COMMIT itself, at will.
#pragma once
#include "common/config.h"

enum proxy_fault {
    PROXY_NONE,
    PROXY_LOSE_COMMIT, // COMMIT does not reach the server
    PROXY_LOSE_ANSWER, // COMMIT is carried out, its answer is swallowed
};

// Listens on a free port of 127.0.0.1; returns the socket.
int loopback_listen(int *port);

struct proxy;
// Listens on a free port of 127.0.0.1 and relays one connection to the server of the config, in a thread of its own.
struct proxy *proxy_start(const struct config *config, enum proxy_fault what);
int proxy_port(const struct proxy *proxy);
// Waits for the end of the connection; true if the fault happened.
bool proxy_end(struct proxy *proxy);
