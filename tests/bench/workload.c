// SPDX-License-Identifier: Apache-2.0
// Tenants are drawn from a table of cumulated weights, by a hash of the event's number.
#include "tests/bench/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"

enum { TWICE_PERMILLE = 20, LATE_PERMILLE = 10, BAD_PERMYRIAD = 10, TWICE_BEHIND = 1000, LATE_DAYS = 40 };

struct workload {
    double *cumulated; // by tenant, up to 1
    int tenants;
    instant_us now;
};

static uint64_t mixed(uint64_t number) // splitmix64
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct workload *workload_new(int tenants, instant_us now)
{
    struct workload *workload = heap_alloc(sizeof *workload);
    double sum = 0;
    workload->tenants = tenants;
    workload->now = instant_floor(now, SECOND_US);
    workload->cumulated = heap_grow(NULL, sizeof *workload->cumulated, (size_t)tenants);
    for (int i = 0; i < tenants; i++)
        workload->cumulated[i] = sum += pow(i + 1, -1.05);
    for (int i = 0; i < tenants; i++)
        workload->cumulated[i] /= sum;
    return workload;
}

void workload_free(struct workload *workload)
{
    if (!workload) return;
    free(workload->cumulated);
    free(workload);
}

static int tenant_of(const struct workload *workload, uint64_t random)
{
    double wanted = (double)(random >> 11) / 9007199254740992.0; // 53 bits: [0, 1)
    int low = 0, high = workload->tenants - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (workload->cumulated[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t workload_tenant(int number, char tenant[WORKLOAD_TENANT_MAX])
{
    int length = snprintf(tenant, WORKLOAD_TENANT_MAX, "bench-%07d", number);
    ENSURE(length > 0 && length < WORKLOAD_TENANT_MAX);
    return (size_t)length;
}

// What decides about event `number`.
struct drawn {
    int64_t number; // of the event that it is the same as
    uint64_t random;
    bool late, bad;
};

static struct drawn draw(int64_t number)
{
    uint64_t kind = mixed((uint64_t)number);
    if (number >= TWICE_BEHIND && kind % 1000 < TWICE_PERMILLE) number -= TWICE_BEHIND; // the same as then
    uint64_t random = mixed((uint64_t)number ^ UINT64_C(0x5bd1e995) << 32);
    return (struct drawn){.number = number,
                          .random = random,
                          .late = random % 1000 < LATE_PERMILLE,
                          .bad = random / 1000 % 10000 < BAD_PERMYRIAD};
}

bool workload_is_good(int64_t number)
{
    struct drawn drawn = draw(number);
    return !drawn.late && !drawn.bad;
}

size_t workload_event(const struct workload *workload, int64_t number, char event[WORKLOAD_EVENT_MAX],
                      char tenant[WORKLOAD_TENANT_MAX])
{
    struct drawn drawn = draw(number);
    uint64_t random = drawn.random;
    char time[INSTANT_TEXT_MAX];
    instant_us at = workload->now - (int64_t)(random / 7 % 3600) * SECOND_US - (drawn.late ? LATE_DAYS * DAY_US : 0);
    instant_print(at, time);
    workload_tenant(tenant_of(workload, mixed(random)), tenant);
    int length =
        snprintf(event, WORKLOAD_EVENT_MAX,
                 "{\"specversion\":\"1.0\",\"id\":\"bench-%016lld\",\"source\":\"/bench/collector-0001\","
                 "\"type\":\"bench.type%d\",\"subject\":\"%s\",\"time\":\"%s\","
                 "\"datacontenttype\":\"application/json\",\"data\":{\"requests\":%s\"%d\",\"region\":\"eu-%d\","
                 "\"flavour\":\"s6.large.2\"}}",
                 (long long)drawn.number, (int)(random / 31 % WORKLOAD_TYPES), tenant, time, drawn.bad ? "!" : "",
                 (int)(random / 17 % 17) + 1, (int)(random / 13 % 3));
    ENSURE(length > 0 && length < WORKLOAD_EVENT_MAX);
    return (size_t)length;
}
