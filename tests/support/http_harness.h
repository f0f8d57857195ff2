// SPDX-License-Identifier: Apache-2.0
// An HTTP server whose handler does what the path says, its loop on a thread of its own, and a client made of bytes.
// For the tests of the HTTP server. Waits have WAIT_MS as deadline; a failed expectation fails the test.
//   /hold?n=N      kept until serve_release (or for ever)      /problem   a 422 with members
//   /large?bytes=N N bytes                                     /empty     a 204 with a header made of hostile text
//   /meet          waits in its worker for a second one        others     "WORKER PATH?QUERY BODY", worker "-" if none
#pragma once
#include <pthread.h>

#include "common/http.h"

enum { WAIT_MS = 20000, MAX_BODY = 4 * 1024 * 1024, HELD_MAX = 256 };

#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: t\r\n\r\n"

// What the handler of the running server has done; the counters are for serve_wait_for.
struct served {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_request *held[HELD_MAX];
    int held_count, most_held, open_held; // ever; at the same time; now
    int handled;
    pthread_barrier_t meeting;
};
extern struct served served;

struct running {
    struct http_server *server;
    pthread_t thread;
    int port;
};
void serve_start(struct running *running, struct http_options options); // host and, if 0, max_body_bytes are filled in
void serve_stop(struct running *running);
void *serve_run(void *running); // body of the thread
http_handler serve_handle;
void serve_wait_for(const int *counter, int least); // a counter of `served`
void serve_release(int index);                      // answers held[index] with "held N"

int dial(int port);
bool say_bytes(int client, const char *data, size_t length); // false if the server has closed
void say(int client, const char *text);
bool readable_within(int client, int timeout_ms);
bool hear_more(int client, struct text *heard); // false at the end of the stream
void hear_until(int client, struct text *heard, const char *wanted);
void hear_end(int client, struct text *heard);
void assert_contains(const struct text *heard, const char *wanted);
void hang_up_abruptly(int client); // RST
