# SPDX-License-Identifier: Apache-2.0
"""What is shown of the measurements: the table of figures with their goals, as text, as Markdown, and of two trees."""
import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess
import textwrap

BEGIN, END = "<!-- tests/bench/run --write: begin -->", "<!-- end -->"
PROCESSES = ("rater", "postgres", "kafka", "redis")
# name, title, form, goal: None or (least or most, bound)
LEAST, MOST = ">=", "<="
MODELS = ("per_unit", "graduated", "volume", "package", "stairstep", "percentage", "flat", "dynamic")
TERMS = {"plain": "by the hour, half of it runs", "when": "the same with `when`", "times": "the same with `times`",
         "increments": "the same with a minimum and increments", "discounts": "the same with discounts",
         "package": "the same with a package", "reservations": "the same with a reservation",
         "savings_plan": "the same with a savings plan", "subscription": "the same with a subscription",
         "coupon": "the same with a coupon of a fifth", "minimum": "the same below a minimum of the account",
         "maximum": "the same above a maximum of the account", "term": "the same below a minimum of a term",
         "together": "the same with discounts, a reservation, a plan, a coupon and a maximum"}
KINDS = {"unit": "F, per_unit, by the day, 1,000 charges", "discounts": "the same with a discount of each charge",
         "coupon": "the same with a coupon off each charge", "maximum": "the same with a maximum, off each charge",
         "matrix": "the same at 81 prices, by flavour, region, both or none",
         "tiers": "F, graduated, by the day, 50 prices", "blocks": "the same with tiers in blocks",
         "round": "the same with a quantity rounded up", "daily_full": "the same with `daily: full`",
         "daily_share": "the same with `daily: share`"}
WINDOWS = {"percentile": "percentile_95", "percentile_daily": "percentile_95_daily",
           "percentile_days": "percentile_95_days and `daily: share`"}
FIGURES = (
    *((f"price.{model}_lines_per_second", f"F, {model}, usage lines/s on one core", "{:,.0f}", None) for model in MODELS),
    *((f"price.{model}_divided_lines_per_second", f"F and shares of 20 tenants, {model}, usage lines/s on one core",
       "{:,.0f}", None) for model in MODELS),
    *((f"price.terms_{kind}_lines_per_second", f"F, per_unit, {title}, usage lines/s on one core", "{:,.0f}", None)
      for kind, title in TERMS.items()),
    *((f"price.kind_{kind}_lines_per_second", f"{title}, usage lines/s on one core", "{:,.0f}", None)
      for kind, title in KINDS.items()),
    *((f"price.{window}_slots_per_second", f"window and F, {title}, samples/s on one core", "{:,.0f}", None)
      for window, title in WINDOWS.items()),
    ("price.worth_times_per_second", "price in the event, value x price of one, events/s on one core", "{:,.0f}", None),
    ("price.worth_fee_per_second", "the same and a fee of it, from a minimum to a maximum, events/s on one core",
     "{:,.0f}", None),
    ("price.events_per_second", "F, a percentage of every event, a million events of an account, events/s on one core", "{:,.0f}", None),
    ("price.unused_account_ns", "month of an account under 1,550 prices without usage, ns", "{:,.0f}", (MOST, 1_000_000)),
    ("price.used_account_ns", "the same with usage under each of them, ns", "{:,.0f}", None),
    ("price.taxed_account_ns", "the same with twenty taxes of SKUs, ns", "{:,.0f}", None),
    ("price.plan_seconds", "price list: read, checked, planned, s", "{:.2f}", None),
    ("price.same_seconds", "the same list again: no difference, s", "{:.2f}", None),
    ("price.newer_seconds", "every hundredth price is new, s", "{:.2f}", None),
    ("price.build_seconds", "catalogue made of its rows, s", "{:.2f}", None),
    ("price.lookups_per_second", "prices looked up by three dimensions on one core, 1/s", "{:,.0f}", None),
    ("price.apply_list_seconds", "turnpike apply of the list, s", "{:.2f}", None),
    ("price.apply_newer_seconds", "turnpike apply of every hundredth price anew, s", "{:.2f}", None),
    ("single.rate", "end to end, one event a message, events/s", "{:,.0f}", None),
    ("single.raw", "raw consume of the same topic, events/s", "{:,.0f}", (LEAST, 1_200_000)),
    ("single.of_raw", "end to end / raw consume", "{:.2f}", (LEAST, 0.55)),
    ("single.insert", "one INSERT per event, 32 connections, events/s", "{:,.0f}", None),
    ("single.of_insert", "end to end / INSERT", "{:.1f}", (LEAST, 80)),
    ("single.row_events", "events per flushed row", "{:.2f}", None),
    ("packed.rate", "end to end, packed 50 a message, events/s", "{:,.0f}", None),
    ("packed.raw", "raw consume of the same topic, events/s", "{:,.0f}", None),
    ("packed.of_single", "packed / one a message", "{:.2f}", (LEAST, 2)),
    ("packed.row_events", "events per flushed row, packed", "{:.2f}", None),
    ("engine.single.rate", "engine alone on one core, one a message, events/s", "{:,.0f}", None),
    ("engine.single.of_raw", "engine alone / raw consume", "{:.2f}", (LEAST, 0.65)),
    ("engine.packed.rate", "engine alone, packed, events/s", "{:,.0f}", None),
    ("dedup.absent", "dedup alone, absent identities, probes/s", "{:,.0f}", (LEAST, 10_000_000)),
    ("dedup.known", "dedup alone, known identities with content, probes/s", "{:,.0f}", (LEAST, 10_000_000)),
    ("dedup.gib", "memory of these identities, GiB", "{:.2f}", (MOST, 2.4)),
    ("disk.rate", "dedup with nine tenths on disk, events/s", "{:,.0f}", None),
    ("disk.slowest", "longest wait of 32 events for it, s", "{:.2f}", None),
    ("gateway.1.bare", "bare evhttp, 1 event a request, events/s", "{:,.0f}", None),
    ("gateway.1.rate", "gateway, acks=all, 1 event a request, events/s", "{:,.0f}", None),
    ("gateway.1.of_bare", "gateway / bare", "{:.2f}", (LEAST, 0.8)),
    ("gateway.1.p99", "gateway at half load, p99, ms", "{:.1f}", (MOST, 10)),
    ("gateway.100.bare", "bare evhttp, 100 events a request, events/s", "{:,.0f}", None),
    ("gateway.100.rate", "gateway, acks=all, 100 events a request, events/s", "{:,.0f}", None),
    ("gateway.100.of_bare", "gateway / bare", "{:.2f}", (LEAST, 0.8)),
    ("gateway.100.p99", "gateway at half load, p99, ms", "{:.1f}", (MOST, 10)),
    ("latency.half.p50", "accepted -> in Redis at half load, p50, s", "{:.2f}", None),
    ("latency.half.p99", "accepted -> in Redis at half load, p99, s", "{:.2f}", (MOST, 2)),
    ("latency.tenth.p50", "accepted -> in Redis at a tenth of it, p50, s", "{:.2f}", None),
    ("latency.tenth.p99", "accepted -> in Redis at a tenth of it, p99, s", "{:.2f}", (MOST, 0.3)),
    ("hot.without.p99", "accepted -> in Redis, few events, p99, s", "{:.2f}", None),
    ("hot.beside.p99", "the same beside a hot tenant of another partition, p99, s", "{:.2f}", None),
    ("hot.ratio", "beside / without", "{:.2f}", (MOST, 2)),
    ("recovery.live", "rating before kill -9, events/s", "{:,.0f}", None),
    ("recovery.replay", "rating after it by another rater, events/s", "{:,.0f}", None),
    ("recovery.ratio", "after / before", "{:.2f}", (LEAST, 0.9)),
    ("recovery.moving", "commits again after the kill (session timeout 8 s), s", "{:.1f}", (MOST, 13)),
    ("memory", "rater, greatest resident size, MiB", "{:,.0f}", (MOST, 1536)),
)
COSTS = (
    ("end to end, one event a message", [f"single.ns.{name}" for name in PROCESSES]),
    ("end to end, packed", [f"packed.ns.{name}" for name in PROCESSES]),
    ("engine alone, one event a message", ["engine.single.ns"]),
    ("engine alone, packed", ["engine.packed.ns"]),
    ("gateway, 1 event a request", ["gateway.1.ns.gateway", None, "gateway.1.ns.kafka"]),
    ("bare evhttp, 1 event a request", ["gateway.1.ns.bare"]),
    ("gateway, 100 events a request", ["gateway.100.ns.gateway", None, "gateway.100.ns.kafka"]),
    ("bare evhttp, 100 events a request", ["gateway.100.ns.bare"]),
)


COST_HEAD = ("processor ns per event", "itself", "PostgreSQL", "Kafka", "Redis")


def verdict(value, goal):
    if goal is None:
        return "", ""
    how, bound = goal
    reached = value >= bound if how == LEAST else value <= bound
    return f"{how} {bound:,}", "reached" if reached else "not reached"


def table(found):
    """Rows (title, figure, goal, verdict) of what was measured."""
    return [(title, form.format(found[name]), *verdict(found[name], goal))
            for name, title, form, goal in FIGURES if name in found]


def costs(found):
    """Rows of processor nanoseconds per event: what, and by process (rater or gateway, PostgreSQL, Kafka, Redis)."""
    rows = []
    for title, names in COSTS:
        values = [f"{found[name]:,.0f}" if name in found else "" for name in names + [None] * (4 - len(names))]
        if any(values):
            rows.append((title, *values))
    return rows


HEAD = ("measure", "figure", "goal", "")


def aligned(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
             for row in [head, *rows])
    return "\n".join("  ".join(line).rstrip() for line in lines)


def markdown(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def show(found):
    print(aligned(HEAD, table(found)))
    if costs(found):
        print("\n" + aligned(COST_HEAD, costs(found)), flush=True)


# --- docs/performance.md

def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def version(*command):
    found = re.search(r"\d+(\.\d+)+", first_line(*command))
    return found[0] if found else "?"


def memory_gib():
    text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    return int(re.search(r"MemTotal:\s+(\d+)", text)[1]) / 2**20


def conditions(root, options, load):
    """One sentence on what was measured where."""
    revision = first_line("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=10")
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text(encoding="utf-8"))[1]
    return (f"Measured on {datetime.date.today()} of revision {revision}: {options.events:,} events of "
            f"{options.tenants:,} tenants, {options.dedup:,} identities, {options.insert:,} INSERTs; {os.cpu_count()} "
            f"processors, {memory_gib():.0f} GiB, {system}, Linux {platform.release().split('-')[0]}, PostgreSQL "
            f"{version('psql', '--version')} (fsync on), Redis "
            f"{version('redis-server', '--version')}, 4 partitions; load average before it {load:.1f}.")


def write(root, path, options, load, found):
    """Replaces what stands between the markers of the document."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END, 1)[1]
    command = f"`tests/bench/run {options.given}`".replace(" `", "`")
    said = textwrap.fill(f"{conditions(root, options, load)} Command: {command}.", 150)
    block = "\n\n".join([BEGIN, said, markdown(HEAD, table(found)),
                         markdown(COST_HEAD, costs(found)), END])
    path.write_text(before + block + after, encoding="utf-8")


# --- two trees

def compared(names, rounds):
    """Rows (title, median of each tree, ratio of the first to the others) of lists of measurements by tree's name."""
    rows = []
    spent = [(name, f"{title}, {process}, processor ns per event", "{:,.0f}", None)
             for title, names in COSTS for process, name in zip(COST_HEAD[1:], names) if name]
    for name, title, form, _ in (*FIGURES, *spent):
        values = [[found[name] for found in rounds[tree] if name in found] for tree in names]
        if all(values):
            first, other = map(statistics.median, values)
            rows.append((title, form.format(first), form.format(other), f"{first / other:.2f}" if other else ""))
    return rows
