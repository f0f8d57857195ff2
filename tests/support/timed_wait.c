// SPDX-License-Identifier: Apache-2.0
// For tests/fault/test_clocks, preloaded before libfaketime: that library knows pthread_cond_timedwait and not C11's name of
// it, so a thread of librdkafka would wait by the machine's clock for an instant of the false one.
#include <errno.h>
#include <pthread.h>
#include <threads.h>

_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) && sizeof(mtx_t) == sizeof(pthread_mutex_t), "one under two names");

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    int error = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}
