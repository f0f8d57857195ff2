// SPDX-License-Identifier: Apache-2.0
// Settlement in any steps, live spend and whole-period close agree to the last unit (rules 6.1 to 6.3), on random
// catalogues that change in between and random usage in any order of arrival: whatever was settled when, what stands
// posted under every key is F of all that has come, read from the beginning. No database: positions, charges and
// postings are kept here as invoicing/settle.c keeps them.
//   TURNPIKE_SEED=N runs that seed alone and prints its files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invoicing/earlier.h"
#include "invoicing/position_usage.h"
#include "invoicing/settle_work.h"
#include "tests/support/random_play.h"
#include "tests/support/random_usage.h"

enum { SEEDS = 2000, SEEDS_LONG = 20000, STEPS = 6, MONTHS = 3, PLACES = RANDOM_ACCOUNTS * MONTHS, PLAYS_LEAST = 40 };
static const int first_seed = 20261123;

// One (account, period) as the tables have it: its position, its charges to date, and what was posted.
struct place {
    struct billing_period period;
    struct usage_basis basis;
    struct charge *charges;
    size_t charge_count;
    struct amount posted;
    struct rated whole; // F of all usage, when it was settled last
};

struct trial {
    int seed, step;
    struct dice dice;
    struct random_catalogue world;
    struct random_usage usage;
    const struct catalogue *catalogue; // the newest
    instant_us due;
    struct place places[PLACES];
    struct arena *arena;
    size_t settlements, built_on, changes; // to know that something was tried
    struct random_plays plays;             // in the last step
};

static void differ(const struct trial *trial, const struct place *place, const char *what)
{
    fail_msg("seed %d, step %d, account %s, %s: %s (TURNPIKE_SEED=%d runs it alone)", trial->seed, trial->step,
             place->period.agreement->account->id, place->period.label, what, trial->seed);
}

// The period under the newest catalogue: new terms may have come.
static void renew_period(const struct trial *trial, struct place *place, size_t number)
{
    const struct billing_account *account =
        catalogue_account(trial->catalogue, slice_of(random_accounts[number / MONTHS]));
    assert_int_equal(
        period_of_label(trial->catalogue, account->number, 2026, 2 + (int)(number % MONTHS), &place->period, NULL),
        ERR_OK);
}

// What the months before came to: as it stands posted, for a settlement; or as F of all usage has it, for live spend and
// a close.
static void tell_earlier(const struct trial *trial, const struct place *place, bool posted, struct account_usage *usage)
{
    struct earlier_sums sums;
    if (!earlier_begin(trial->catalogue, &place->period, trial->arena, &sums)) return;
    for (const struct place *other = trial->places; other < place; other++) {
        const struct rated stands = {.charges = other->charges, .charge_count = other->charge_count};
        if (!other->basis.cut || other->period.account != place->period.account) continue;
        assert_int_equal(earlier_add_rated(&sums, &other->period, posted ? &stands : &other->whole), ERR_OK);
    }
    earlier_tell(&sums, usage);
}

// F at the step: on what the place was settled with, or of everything (basis NULL), which is live spend and a close.
static struct rated rate(struct trial *trial, const struct place *place, const struct usage_basis *basis,
                         struct usage_gathered *gathered, struct account_usage *usage)
{
    const struct billing_period *period = &place->period;
    instant_us *boundaries;
    const size_t count =
        charge_boundaries(trial->catalogue, period->agreement, period->start, period->end, trial->arena, &boundaries);
    const struct usage_request request = {period->account,         period->start, period->end,
                                          period->agreement->zone, boundaries,    count, period->agreement->book->per_event};
    struct rated rated;
    struct fault fault = {0};
    random_usage_read(&trial->usage, trial->catalogue, trial->step, trial->due, &trial->dice, &request, 1, basis,
                      trial->arena, usage, gathered);
    tell_earlier(trial, place, basis == &place->basis, usage);
    if (charge_rate(trial->catalogue, period->agreement, usage, trial->arena, &rated, &fault))
        differ(trial, place, fault.reason);
    return rated;
}

static bool is_zero(const struct charge *charge)
{
    return charge->quantity.nano == 0 && charge->list_cost.pico == 0 && charge->contracted_cost.pico == 0 &&
           charge->effective_cost.pico == 0 && charge->billed_cost.pico == 0;
}

static bool same_charge(const struct charge *a, const struct charge *b)
{
    return charge_order(a, b) == 0 && a->quantity.nano == b->quantity.nano && a->list_cost.pico == b->list_cost.pico &&
           a->contracted_cost.pico == b->contracted_cost.pico && a->effective_cost.pico == b->effective_cost.pico &&
           a->billed_cost.pico == b->billed_cost.pico;
}

static const struct charge *next_charge(const struct charge **at, const struct charge *end)
{
    while (*at < end && is_zero(*at))
        (*at)++;
    return *at < end ? (*at)++ : NULL;
}

// Every key of both; one with nothing but zeros is like one that is not there.
static bool same_charges(const struct charge *a, size_t a_count, const struct charge *b, size_t b_count)
{
    const struct charge *a_end = a + a_count, *b_end = b + b_count, *left, *right;
    do {
        left = next_charge(&a, a_end);
        right = next_charge(&b, b_end);
        if (!left != !right || (left && !same_charge(left, right))) return false;
    } while (left);
    return true;
}

// --- what a settlement writes

static void keep_charges(struct trial *trial, struct place *place, const struct settle_item *item)
{
    struct charge *kept = ARENA_ARRAY(trial->arena, struct charge, place->charge_count + item->change_count + 1);
    size_t count = 0;
    for (size_t p = 0, c = 0; p < place->charge_count || c < item->change_count;) {
        const int order = p == place->charge_count  ? 1
                          : c == item->change_count ? -1
                                                    : charge_order(&place->charges[p], &item->changes[c].to_date);
        kept[count++] = order < 0 ? place->charges[p] : item->changes[c].to_date;
        if (order >= 0) assert_int_equal(amount_add(place->posted, item->changes[c].delta, &place->posted), ERR_OK);
        p += order <= 0;
        c += order >= 0;
    }
    place->charges = kept;
    place->charge_count = count;
}

static void keep_usage(struct trial *trial, struct place *place, const struct usage_gathered *gathered)
{
    const size_t before = gathered->anew ? 0 : place->basis.line_count;
    struct usage_line *lines = ARENA_ARRAY(trial->arena, struct usage_line, before + gathered->line_count + 1);
    size_t count = before + gathered->line_count;
    if (before) memcpy(lines, place->basis.lines, before * sizeof *lines);
    if (gathered->line_count) memcpy(lines + before, gathered->lines, gathered->line_count * sizeof *lines);
    assert_int_equal(usage_lines_merge(lines, &count), ERR_OK);
    place->basis = (struct usage_basis){.cut = trial->step, .lines = lines, .line_count = count};
    memcpy(place->basis.spans_digest, gathered->spans_digest, SHA256_BYTES);
}

// --- what must hold

static void check_shares(struct trial *trial, const struct place *place, const struct account_usage *usage,
                         const struct rated *rated)
{
    const struct tenant_share *shares;
    size_t count, next = 0;
    int128 total = 0;
    assert_int_equal(
        charge_share(trial->catalogue, place->period.agreement, usage, rated, trial->arena, &shares, &count, NULL),
        ERR_OK);
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        int128 quantity = 0, cost = 0;
        const size_t first = next;
        for (; next < count && shares[next].charge == i; next++) {
            quantity += shares[next].quantity.nano;
            cost += shares[next].billed_cost.pico;
        }
        total += charge->billed_cost.pico;
        if (next == first && charge->tenant == 0 && charge->price == 0) continue; // is nobody's
        if (next == first && is_zero(charge)) continue;
        if (cost != charge->billed_cost.pico) differ(trial, place, "the shares do not add up to the cost");
        if (charge_of_price(charge->stage) && next > first && quantity != charge->quantity.nano)
            differ(trial, place, "the shares do not add up to the quantity");
    }
    if (next != count) differ(trial, place, "a share of no charge");
    if (total != rated->total.pico) differ(trial, place, "the total is not the charges' sum");
}

// Live spend and a close read everything, in whatever order.
static void check_place(struct trial *trial, struct place *place)
{
    struct usage_gathered anew = {0};
    const struct usage_gathered none = {0};
    const struct usage_basis nothing = {0};
    struct account_usage usage;
    struct position_usage_difference difference;
    bool agrees;
    const struct rated whole = place->whole = rate(trial, place, &nothing, &anew, &usage);
    check_shares(trial, place, &usage, &whole);
    if (trial->step == STEPS)
        random_play_take(&trial->plays, trial->catalogue, place->period.agreement, &usage, &whole);
    if (!same_charges(whole.charges, whole.charge_count, place->charges, place->charge_count))
        differ(trial, place, "what stands posted is not F of all usage");
    if (whole.total.pico != place->posted.pico) differ(trial, place, "the postings do not add up to F of all usage");
    assert_int_equal(position_usage_agrees(&place->basis, &none, &anew, trial->arena, &agrees, &difference), ERR_OK);
    if (!agrees) differ(trial, place, "the position's usage is not all usage");
}

// A second settlement at one cut finds nothing new, and F of it is the same.
static void check_again(struct trial *trial, struct place *place)
{
    struct settle_item item = {.period = &place->period, .posted = place->charges, .posted_count = place->charge_count};
    struct account_usage usage;
    item.rated = rate(trial, place, &place->basis, &item.gathered, &usage);
    if (item.gathered.anew || item.gathered.line_count)
        differ(trial, place, "something was new at the cut of the position");
    assert_int_equal(settle_compare(&item, trial->arena, NULL), ERR_OK);
    if (item.change_count) differ(trial, place, "a second settlement at one cut changes something");
}

static void settle(struct trial *trial, struct place *place)
{
    struct settle_item item = {.period = &place->period, .posted = place->charges, .posted_count = place->charge_count};
    struct account_usage usage;
    item.rated = rate(trial, place, &place->basis, &item.gathered, &usage);
    assert_int_equal(settle_compare(&item, trial->arena, NULL), ERR_OK);
    trial->settlements++;
    trial->built_on += place->basis.cut && !item.gathered.anew;
    trial->changes += item.change_count;
    keep_charges(trial, place, &item);
    keep_usage(trial, place, &item.gathered);
    check_place(trial, place);
    if (dice_percent(&trial->dice, 25)) check_again(trial, place);
}

static void run_seed(int seed, bool told, struct trial *trial)
{
    *trial = (struct trial){.seed = seed,
                            .dice = {(uint64_t)seed},
                            .arena = arena_new(1 << 15),
                            .settlements = trial->settlements,
                            .built_on = trial->built_on,
                            .changes = trial->changes,
                            .plays = trial->plays};
    random_catalogue_make(&trial->dice, &trial->world);
    for (int i = 0; told && i < RANDOM_VERSIONS; i++)
        printf("# --- version %d\n%s", i + 1, trial->world.texts[i].length ? trial->world.texts[i].data : "");
    random_usage_make(&trial->dice, trial->world.versions[0], STEPS, trial->arena, &trial->usage);
    int version = 0;
    for (trial->step = 1; trial->step <= STEPS; trial->step++) {
        const bool last = trial->step == STEPS;
        const instant_us passed = random_instant(&trial->dice, SLOT_US);
        if (version + 1 < RANDOM_VERSIONS && (last || dice_percent(&trial->dice, 40))) version++;
        if (last) version = RANDOM_VERSIONS - 1;
        trial->catalogue = trial->world.versions[version];
        trial->due = last ? INSTANT_MAX : passed > trial->due ? passed : trial->due;
        for (size_t i = 0; i < PLACES; i++) {
            if (!last && dice_percent(&trial->dice, 40)) continue;
            renew_period(trial, &trial->places[i], i);
            settle(trial, &trial->places[i]);
        }
    }
    random_catalogue_free(&trial->world);
    arena_free(trial->arena);
}

// Everything that a contract can do was done in enough months.
static void check_plays(const struct random_plays *plays)
{
    int rare = 0;
    printf("# months of accounts in which it did something:");
    for (int play = 0; play < PLAY_COUNT; play++)
        printf("%s %s %zu", play ? "," : "", random_play_name(play), plays->months[play]);
    printf("\n");
    for (int play = 0; play < PLAY_COUNT; play++) {
        if (plays->months[play] >= PLAYS_LEAST) continue;
        print_error("%s: only in %zu months of accounts, at least %d are needed\n", random_play_name(play),
                    plays->months[play], PLAYS_LEAST);
        rare++;
    }
    assert_int_equal(rare, 0);
}

static void any_steps_come_to_the_same(void **state)
{
    (void)state;
    const char *one = getenv("TURNPIKE_SEED");
    const int count = one ? 1 : getenv("TURNPIKE_LONG") ? SEEDS_LONG : SEEDS, first = one ? atoi(one) : first_seed;
    struct trial *trial = calloc(1, sizeof *trial);
    for (int i = 0; i < count; i++)
        run_seed(first + i, one != NULL, trial);
    printf("# seeds %d to %d: %zu settlements, %zu of them on what was settled before, %zu changes of charges, "
           "difference 0\n",
           first, first + count - 1, trial->settlements, trial->built_on, trial->changes);
    if (!one) check_plays(&trial->plays);
    assert_true(one || (trial->built_on > trial->settlements / 10 && trial->changes > trial->settlements / 2));
    free(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_steps_come_to_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
