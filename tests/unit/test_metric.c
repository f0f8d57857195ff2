// SPDX-License-Identifier: Apache-2.0
// Metrics: identity, the printed format, threads, and a full table (last, since metrics are never freed).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/metric.h"
#include "tests/support/aborts.h"

static void nothing_prints_nothing(void **state)
{
    (void)state;
    struct text out = {0};
    metric_print_all(&out);
    assert_int_equal(out.length, 0);
    text_free(&out);
}

static void metrics_print_sorted_with_one_head_per_name(void **state)
{
    (void)state;
    struct metric *second = metric_register(METRIC_COUNTER, "turnpike_b_total", "partition=\"1\"", "Events.");
    struct metric *first = metric_register(METRIC_COUNTER, "turnpike_b_total", "partition=\"0\"", "Events.");
    struct metric *gauge = metric_register(METRIC_GAUGE, "turnpike_a", "", "A \\ and\na line.");
    assert_ptr_equal(metric_register(METRIC_COUNTER, "turnpike_b_total", "partition=\"1\"", "Other words."), second);
    assert_ptr_not_equal(first, second);
    metric_add(first, 2);
    metric_add(first, 3);
    metric_set(gauge, INT64_MIN);
    assert_int_equal(metric_value(first), 5);
    struct text out = {0};
    metric_print_all(&out);
    assert_string_equal(out.data, "# HELP turnpike_a A \\\\ and\\na line.\n"
                                  "# TYPE turnpike_a gauge\n"
                                  "turnpike_a -9223372036854775808\n"
                                  "# HELP turnpike_b_total Events.\n"
                                  "# TYPE turnpike_b_total counter\n"
                                  "turnpike_b_total{partition=\"0\"} 5\n"
                                  "turnpike_b_total{partition=\"1\"} 0\n");
    text_free(&out);
}

static void *add_many(void *context)
{
    struct metric *metric = metric_register(METRIC_COUNTER, "turnpike_threads_total", "", "Threads.");
    for (int i = 0; i < 100000; i++)
        metric_add(metric, 1);
    return context;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metric_value(metric_register(METRIC_COUNTER, "turnpike_threads_total", "", "")), 400000);
}

static void register_other_kind(void)
{
    metric_register(METRIC_GAUGE, "turnpike_b_total", "partition=\"2\"", "");
}

static void register_bad_name(void)
{
    metric_register(METRIC_GAUGE, "turnpike events", "", "");
}

static void register_empty_name(void)
{
    metric_register(METRIC_GAUGE, "", "", "");
}

static void register_digit(void)
{
    metric_register(METRIC_GAUGE, "5xx", "", "");
}

static void wrong_registrations_are_our_mistake(void **state)
{
    (void)state;
    assert_true(aborts(register_other_kind));
    assert_true(aborts(register_bad_name));
    assert_true(aborts(register_empty_name));
    assert_true(aborts(register_digit));
}

static void a_full_table_shares_one_metric(void **state)
{
    (void)state;
    struct metric *last = NULL, *before = NULL;
    for (int i = 0; i < 4096 + 2; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "i=\"%d\"", i);
        before = last;
        last = metric_register(METRIC_COUNTER, "turnpike_many_total", labels, "Many.");
    }
    assert_ptr_equal(before, last);
    metric_add(last, 7);
    struct text out = {0};
    metric_print_all(&out);
    assert_non_null(strstr(out.data, "\nturnpike_metric_overflow 7\n"));
    assert_non_null(strstr(out.data, "\nturnpike_many_total{i=\"4000\"} 0\n"));
    text_free(&out);
}

static void labels_come_and_go(void **state)
{
    (void)state;
    struct metric *first = metric_register_unlabelled(METRIC_COUNTER, "turnpike_c_total", "Few of many.");
    struct metric *second = metric_register_unlabelled(METRIC_COUNTER, "turnpike_c_total", "Few of many.");
    struct text out = {0};
    assert_ptr_not_equal(first, second);
    metric_print_all(&out);
    assert_null(strstr(out.data, "turnpike_c_total"));
    metric_relabel(second, "tenant=\"a\"", 5);
    text_clear(&out);
    metric_print_all(&out);
    assert_non_null(strstr(out.data, "# TYPE turnpike_c_total counter\nturnpike_c_total{tenant=\"a\"} 5\n"));
    metric_relabel(second, "tenant=\"b\"", 7);
    metric_relabel(first, "tenant=\"a\"", 6);
    text_clear(&out);
    metric_print_all(&out);
    assert_non_null(strstr(out.data, "turnpike_c_total{tenant=\"a\"} 6\nturnpike_c_total{tenant=\"b\"} 7\n"));
    metric_relabel(first, NULL, 0);
    metric_relabel(second, NULL, 0);
    text_clear(&out);
    metric_print_all(&out);
    assert_null(strstr(out.data, "turnpike_c_total"));
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_prints_nothing), cmocka_unit_test(metrics_print_sorted_with_one_head_per_name),
        cmocka_unit_test(threads_lose_no_count),  cmocka_unit_test(wrong_registrations_are_our_mistake),
        cmocka_unit_test(labels_come_and_go),     cmocka_unit_test(a_full_table_shares_one_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
