// SPDX-License-Identifier: Apache-2.0
// Price books. A book may be declared in several places, each with some of its prices; what they say of the book itself
// must agree.
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/plan.h"

// What the files say of a book, and where.
struct merged_book {
    const struct yaml_node *name_node, *currency_node, *parent_node;
    const char *name, *currency, *parent; // parent NULL with parent_node: none
};

static void merge_text(struct plan *plan, const struct file_book *book, const char *what, const char *given,
                       const char **merged, const struct yaml_node **node)
{
    if (!given) return;
    if (!*node) {
        *merged = given;
        *node = book->node;
    } else if (strcmp(*merged, given) != 0) {
        file_error(plan->errors, book->node, "price book '%s' has the %s '%s' here and '%s' at %s", book->id, what,
                   given, *merged, plan_place(plan, *node));
    }
}

static void merge_book(struct plan *plan, const struct file_book *book, struct merged_book *merged)
{
    merge_text(plan, book, "name", book->name, &merged->name, &merged->name_node);
    merge_text(plan, book, "currency", book->currency, &merged->currency, &merged->currency_node);
    if (!book->parent_given) return;
    if (!merged->parent_node) {
        merged->parent_node = book->parent.node ? book->parent.node : book->node;
        merged->parent = book->parent.id;
    } else if (strcmp(text_or_empty(merged->parent), text_or_empty(book->parent.id)) != 0) {
        file_error(plan->errors, book->node, "price book '%s' has another parent than at %s", book->id,
                   plan_place(plan, merged->parent_node));
    }
}

static const struct price_book_row *row_in_force(const struct plan *plan, const struct plan_thing *thing)
{
    return thing->existing == PLAN_NONE ? NULL : &plan->existing->books.row[thing->existing];
}

// Of a book that is declared or in force; NULL: it has none yet, which is told elsewhere.
static const char *currency_of(const struct plan *plan, const struct merged_book *merged,
                               const struct plan_thing *thing)
{
    const struct price_book_row *old = row_in_force(plan, thing);
    if (old) return old->currency;
    return merged[thing - plan->books.things].currency;
}

static const struct plan_thing *thing_numbered(const struct plan *plan, int64_t number)
{
    for (size_t i = 0; i < plan->books.count && number != 0; i++)
        if (plan->books.things[i].number == number) return &plan->books.things[i];
    return NULL;
}

// The parent as it will be.
static const struct plan_thing *parent_of(const struct plan *plan, const struct merged_book *merged,
                                          const struct plan_thing *thing)
{
    const struct merged_book *said = &merged[thing - plan->books.things];
    const struct price_book_row *old = row_in_force(plan, thing);
    if (said->parent_node) return said->parent ? plan_index_find(&plan->books, said->parent) : NULL;
    return old ? thing_numbered(plan, old->parent) : NULL;
}

static void check_parent(struct plan *plan, const struct merged_book *merged, const struct plan_thing *thing)
{
    const struct merged_book *said = &merged[thing - plan->books.things];
    if (!said->parent_node || !said->parent) return;
    const struct plan_thing *parent =
        plan_resolve(plan, &plan->books, &(struct file_reference){said->parent_node, said->parent}, "price book");
    const char *currency = currency_of(plan, merged, thing), *above = parent ? currency_of(plan, merged, parent) : NULL;
    if (currency && above && strcmp(currency, above) != 0)
        file_error(plan->errors, said->parent_node, "price book '%s' is in %s, its parent '%s' in %s", thing->id,
                   currency, parent->id, above);
    size_t steps = 0;
    for (; parent && steps <= plan->books.count; steps++)
        parent = parent_of(plan, merged, parent);
    if (parent)
        file_error(plan->errors, said->parent_node, "the parents of price book '%s' lead in a circle", thing->id);
}

static void add_book(struct plan *plan, const struct plan_thing *thing, const char *name, const char *currency,
                     const struct plan_thing *parent)
{
    *ROW_NEW(&plan->added.books) = (struct price_book_row){
        .version = plan->version,
        .number = (int32_t)thing->number,
        .parent = parent ? (int32_t)parent->number : 0,
        .id = thing->id,
        .name = name,
        .currency = currency,
    };
}

static void change_book(struct plan *plan, const struct merged_book *said, const struct plan_thing *thing,
                        const struct price_book_row *old, const struct plan_thing *parent)
{
    struct text differences = {0};
    const struct plan_thing *old_parent = thing_numbered(plan, old->parent);
    if (said->currency && strcmp(said->currency, old->currency) != 0)
        file_conflict(plan->errors, said->currency_node,
                      "the currency of price book '%s' is %s and never changes: make a new book", thing->id,
                      old->currency);
    if (said->name) plan_differs(&differences, "name", old->name, said->name);
    if (plan_differs(&differences, "parent", old_parent ? old_parent->id : "", parent ? parent->id : ""))
        plan_effect(plan, EFFECT_PRICE, said->parent_node)->book = old->number;
    if (differences.length > 0) {
        add_book(plan, thing, said->name ? said->name : old->name, old->currency, parent);
        plan_change(plan, false, "price_book", "%s%s", thing->id, differences.data);
    }
    text_free(&differences);
}

static void plan_book(struct plan *plan, const struct merged_book *merged, const struct plan_thing *thing)
{
    const struct merged_book *said = &merged[thing - plan->books.things];
    const struct price_book_row *old = row_in_force(plan, thing);
    const struct plan_thing *parent = parent_of(plan, merged, thing);
    check_parent(plan, merged, thing);
    if (old) {
        change_book(plan, said, thing, old, parent);
        return;
    }
    if (!said->name || !said->currency) {
        file_error(plan->errors, thing->node, "price book '%s' is new: it needs name and currency", thing->id);
        return;
    }
    plan_currency_check(plan, said->currency, said->currency_node);
    add_book(plan, thing, said->name, said->currency, parent);
    plan_change(plan, true, "price_book", "%s %s in %s%s%s", thing->id, said->name, said->currency,
                parent ? ", parent " : "", parent ? parent->id : "");
}

void plan_books(struct plan *plan)
{
    const struct catalogue_files *files = plan->files;
    struct merged_book *merged =
        ARENA_ARRAY(plan->arena, struct merged_book, plan->books.count + files->books.count + 1);
    bool *spoilt = ARENA_ARRAY(plan->arena, bool, plan->books.count + files->books.count + 1);
    for (size_t i = 0; i < files->books.count; i++) {
        const struct file_book *book = &files->books.row[i];
        if (!book->id) continue;
        size_t index = (size_t)(plan_index_declare(&plan->books, book->id, book->node) - plan->books.things);
        if (book->valid)
            merge_book(plan, book, &merged[index]);
        else
            spoilt[index] = true;
    }
    for (size_t i = 0; i < plan->books.count; i++)
        if (plan->books.things[i].node && !spoilt[i]) plan_book(plan, merged, &plan->books.things[i]);
}
