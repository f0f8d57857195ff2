// SPDX-License-Identifier: Apache-2.0
// The relay: copies bytes both ways; the simple query "commit" is the moment of its fault.
#include "tests/integration/stores/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/stores/check.h"

enum { PIECE = 65536, PATIENCE_MS = 30000 };

struct proxy {
    enum proxy_fault what;
    int listener, port, server_port;
    pthread_t thread;
    bool happened;
};

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool pass(int to, const char *data, ssize_t length)
{
    while (length > 0) {
        ssize_t sent = send(to, data, (size_t)length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        length -= sent;
    }
    return true;
}

static bool is_commit(const char *data, ssize_t length)
{
    static const char message[] = {'Q', 0, 0, 0, 11, 'c', 'o', 'm', 'm', 'i', 't', 0};
    return length >= (ssize_t)sizeof message && memcmp(data, message, sizeof message) == 0;
}

static void relay(struct proxy *proxy, int client, int server)
{
    char piece[PIECE];
    struct pollfd sides[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (poll(sides, 2, PATIENCE_MS) > 0) {
        for (int from = 0; from < 2; from++) {
            if (!sides[from].revents) continue;
            ssize_t length = recv(sides[from].fd, piece, sizeof piece, 0);
            if (length <= 0) return;
            if (from == 1 && proxy->happened) return; // the answer came, so it is committed; nobody hears of it
            if (from == 0 && is_commit(piece, length) && proxy->what != PROXY_NONE) {
                proxy->happened = true;
                if (proxy->what == PROXY_LOSE_COMMIT) return;
            }
            if (!pass(sides[1 - from].fd, piece, length)) return;
        }
    }
}

static void *serve(void *context)
{
    struct proxy *proxy = context;
    struct sockaddr_in address = loopback(proxy->server_port);
    int client = accept(proxy->listener, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0);
    if (client >= 0 && server >= 0 && connect(server, (struct sockaddr *)&address, sizeof address) == 0)
        relay(proxy, client, server);
    if (client >= 0) close(client);
    if (server >= 0) close(server);
    return NULL;
}

int loopback_listen(int *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return listener;
}

struct proxy *proxy_start(const struct config *config, enum proxy_fault what)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);
    CHECK(proxy);
    proxy->what = what;
    proxy->server_port = (int)config_int(config, "postgres.port");
    proxy->listener = loopback_listen(&proxy->port);
    CHECK(pthread_create(&proxy->thread, NULL, serve, proxy) == 0);
    return proxy;
}

int proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

bool proxy_end(struct proxy *proxy)
{
    pthread_join(proxy->thread, NULL);
    bool happened = proxy->happened;
    close(proxy->listener);
    free(proxy);
    return happened;
}
