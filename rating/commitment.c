// SPDX-License-Identifier: Apache-2.0
// How the fees of a commitment fall on time: all figures are differences of rounded values since its beginning, so that
// they telescope.
#include "rating/commitment.h"

// total x elapsed / whole at an instant since `from`
static enum err value_at(int128 total, int64_t elapsed_us, int64_t whole_us, int128 *value)
{
    return decimal_mul_div(total, elapsed_us, whole_us, ROUND_HALF_UP, value);
}

static enum err difference(int128 total, int64_t before_us, int64_t after_us, int64_t whole_us, int128 *part)
{
    int128 first, second;
    enum err err = value_at(total, before_us, whole_us, &first);
    if (!err) err = value_at(total, after_us, whole_us, &second);
    if (!err) *part = second - first;
    return err;
}

enum err commitment_accrue(int128 rate, instant_us from, instant_us start, instant_us end, int128 *accrued)
{
    return difference(rate, start - from, end - from, HOUR_US, accrued);
}

enum err commitment_share_of(const struct commitment_fee *fee, instant_us start, instant_us end,
                             struct commitment_share *share)
{
    int128 hourly, upfront = 0;
    *share = (struct commitment_share){0};
    if (start <= fee->from && fee->from < end) share->billed_once = fee->upfront;
    if (start < fee->from) start = fee->from;
    if (end > fee->to) end = fee->to;
    if (start >= end) return ERR_OK;
    enum err err = commitment_accrue(fee->hourly.pico, fee->from, start, end, &hourly);
    if (!err && fee->upfront.pico)
        err = difference(fee->upfront.pico, start - fee->from, end - fee->from, fee->to - fee->from, &upfront);
    if (err) return err;
    if (fee->upfront_within) {
        share->billed_hourly.pico = hourly - upfront;
        share->cost.pico = hourly;
        return ERR_OK;
    }
    share->billed_hourly.pico = hourly;
    return decimal_add(hourly, upfront, &share->cost.pico);
}
