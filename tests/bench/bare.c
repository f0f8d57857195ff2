// SPDX-License-Identifier: Apache-2.0
// The least that a gateway on evhttp can do: reads a whole request, answers 204, forgets it.
//   bench_bare PORT   on 127.0.0.1, until TERM
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 4 << 20, TIMEOUT_SECONDS = 30 };

static void answer(struct evhttp_request *request, void *context)
{
    (void)context;
    evhttp_send_reply(request, evhttp_request_get_command(request) == EVHTTP_REQ_POST ? 204 : 405, NULL, NULL);
}

static void stop(evutil_socket_t number, short what, void *context)
{
    (void)number, (void)what;
    event_base_loopbreak(context);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = base ? evhttp_new(base) : NULL;
    struct event *term = base ? evsignal_new(base, SIGTERM, stop, base) : NULL;
    int port = argc == 2 ? atoi(argv[1]) : 0;
    if (port < 1 || port > 65535 || !http || !term || event_add(term, NULL)) {
        fputs("usage: bench_bare PORT\n", stderr);
        return 64;
    }
    evhttp_set_max_body_size(http, BODY_MAX);
    evhttp_set_timeout(http, TIMEOUT_SECONDS);
    evhttp_set_gencb(http, answer, NULL);
    if (evhttp_bind_socket(http, "127.0.0.1", (unsigned short)port)) {
        fprintf(stderr, "bench_bare: 127.0.0.1:%d is not to be had\n", port);
        return 1;
    }
    event_base_dispatch(base);
    event_free(term);
    evhttp_free(http);
    event_base_free(base);
    return 0;
}
