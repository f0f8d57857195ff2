# SPDX-License-Identifier: Apache-2.0
"""Published examples of percentages of every event with an allowance: what test_event_prices asks quotes of, and which figures
it compares. An example's event is one sale, each a minute after the one before."""


def terms(given, **more):
    """A price's rate and per_event of an example's input."""
    names = {"fixed", "free_events", "free_amount"}
    found = {name: str(value) for name, value in {**given, **more}.items() if name in names and value is not None}
    return {"rate": given["rate"], "per_event": found}


def growing(given, quote):
    """Of the first event, the first two, and so on."""
    return [quote(terms(given), given["events"][:count]) for count in range(1, len(given["events"]) + 1)]


def by_running_totals(given, quote):
    totals = [0, *map(int, given["running_totals"]), int(given["amount"])]
    events = [str(after - before) for before, after in zip(totals, totals[1:])]
    return [quote(terms(given, **case), events) for case in given["cases"]]


def steps(want, *bills):
    costs = [bill["cost"] for bill in bills]
    return list(zip([after - before for before, after in zip([0, *costs], costs)], want["charges"]))


# name -> (quotes that an example's input asks for, (figure, published) of each)
EXAMPLES = {
    "lago-percentage-doc": (growing, steps),
    "lago-percentage-spec": (by_running_totals, lambda want, *bills: [
        (bill["cost"], total) for bill, total in zip(bills, want["totals"], strict=True)]),
    "lago-percentage-scenario-events": (
        lambda given, quote: [quote(terms(given), given["events"], tax=given["tax"])],
        lambda want, bill: [(bill["cost"], want["amount"]), (bill["total"], want["with_tax"])]),
    "lago-percentage-scenario-amount": (
        lambda given, quote: [quote(terms(given), given["events"][:count], tax=given["tax"]) for count in (4, 5)],
        lambda want, *bills: [pair for bill, name in zip(bills, ("after_4", "after_5"))
                              for pair in zip((bill["cost"], bill["total"]), want[name])]),
}
