# SPDX-License-Identifier: Apache-2.0
"""The measurements. Each takes a world, the options and what was measured before it, and adds figures by name; what
they mean and which goals they have stands in figures.py."""
import contextlib
import re
import statistics
import subprocess
import tempfile
import time
import urllib.request

from progress import progress
from world import (PROBE_TENANT, ROOT, SERVICES, STATE, Failed, Role, World, committed, numbers, services_spent,
                   setting, sh, sql, spent, until, wipe)

FORMS = {"single": 1, "packed": 50}  # events a message
INSERT_CONNECTIONS = 32
POST_CONNECTIONS = 256
TURNS = 3
BARE_PORT = 5  # beyond the gateway's
WARM_SECONDS = 3
PROBE_MS = 20
MARKERS = 100
HOT_TENANT, HOT_TIMES = "bench-0000000", 100  # the only one that bench_load sends for when it has one tenant
COMMITS_LEAST = 80
REBUILD_SECONDS = 600
OUR_TOOLS = ROOT / "build/release/tests"  # what sends and looks is this tree's, whichever is measured


def our_tool(name, *words):
    return numbers(sh(OUR_TOOLS / f"bench_{name}", *words))


# --- log -> rater -> PostgreSQL and Redis

def end_to_end(form):
    def measure(world, options, found):
        world.fresh()
        world.produce(options.events, FORMS[form])
        with progress.step("raw consume"):
            raw = options.events / our_tool("load", "consume")["consume_seconds"]
        rated = rate_all(world, options)
        with progress.step(f"{options.insert:,} INSERTs"):
            insert = options.insert / our_tool("load", "insert", options.insert, INSERT_CONNECTIONS)["insert_seconds"]
        rate = options.events / rated["seconds"]
        found.update({f"{form}.rate": rate, f"{form}.raw": raw, f"{form}.of_raw": rate / raw,
                      f"{form}.insert": insert, f"{form}.of_insert": rate / insert,
                      f"{form}.row_events": rated["row_events"], f"{form}.resident": rated["resident"]})
        found.update({f"{form}.ns.{name}": rated[name] * 1e9 / options.events for name in ("rater", *SERVICES)})
        if form == "packed" and "single.rate" in found:
            found["packed.of_single"] = rate / found["single.rate"]
        found["memory"] = max(found.get("memory", 0), rated["resident"])
    return measure


def rate_all(world, options):
    """The rater from its start (its assignment included) until the log is counted and committed."""
    ends, before = world.log_ends(), services_spent()
    with progress.step("rating"):
        begin = time.monotonic()
        with Role(world, "rate") as rater:
            world.wait_committed(rater, ends)
            result = {"seconds": time.monotonic() - begin, "rater": rater.spent(), "resident": rater.resident_mib()}
            result.update({name: after - before[name] for name, after in services_spent().items()})
    events, rows = sql("select (select sum(events - markers) from rating.batch),"
                       " (select count(*) from rating.usage_delta)")
    if events != options.events:
        raise Failed(f"{events} verdicts for {options.events} events")
    result["row_events"] = events / rows
    return result


# --- alone

def engine(world, options, found):
    for form, per_message in FORMS.items():
        with progress.step(f"engine alone, {form}"):
            answer = world.tool("engine", options.events, options.tenants, per_message)
        rate = options.events / answer["engine_seconds"]
        found[f"engine.{form}.rate"] = rate
        found[f"engine.{form}.ns"] = answer["engine_processor_seconds"] * 1e9 / options.events
        if f"{form}.raw" in found:
            found[f"engine.{form}.of_raw"] = rate / found[f"{form}.raw"]


def dedup(world, options, found):
    with progress.step(f"{options.dedup:,} identities in memory"):
        answer = world.tool("dedup", "probe", options.dedup, max(options.dedup // 5, 1_000_000))
    found["dedup.absent"], found["dedup.known"] = answer["absent_per_second"], answer["known_per_second"]
    found["dedup.gib"] = answer["bytes"] / 2**30


def disk(world, options, found):
    """Memory as a GiB is to 300 M identities, so that nine tenths of them are on disk in the end."""
    mebibytes = max(options.disk * 1024 // 300_000_000, 2)
    with progress.step(f"{options.disk:,} identities in {mebibytes} MiB and on disk"):
        with tempfile.TemporaryDirectory(dir=STATE.parent, prefix="bench-disk-") as folder:
            answer = world.tool("dedup", "disk", options.disk, mebibytes, folder)
    found["disk.rate"], found["disk.slowest"] = answer["last_per_second"], answer["slowest_group_us"] / 1e6


# --- prices

def price(world, options, found):
    """F for each model, an account under many prices, and a price list: alone on one core; then the list into a
    database, from the command's start to its end."""
    with progress.step(f"F, and a list of {options.prices:,} prices"), \
            tempfile.TemporaryDirectory(dir=STATE.parent, prefix="bench-price-") as folder:
        answer = world.tool("price", options.seconds / 40, options.prices, folder)
        found.update({f"price.{name}": value for name, value in answer.items()})
        small = World(world.root, 100)
        small.fresh()
        for name in ("list", "newer"):
            begin = time.monotonic()
            sh(world.binary, "apply", f"{folder}/head.yaml", f"{folder}/{name}.yaml")
            found[f"price.apply_{name}_seconds"] = time.monotonic() - begin
    wipe()


# --- the gateway

def gateway(world, options, found):
    if not world.up:
        world.fresh()
    port = int(setting("ingest.listen").rsplit(":", 1)[1])
    key = STATE / "bench-key"
    key.touch(mode=0o600)
    key.write_text(re.search(r"tpk_\S+", sh(world.binary, "key", "create", "--scope", "ingest", "--every-tenant"))[0])
    with Role(world, "ingest") as role, bare(port + BARE_PORT) as bare_pid:
        until(60, healthy, "the gateway does not come up")
        until(10, lambda: listens(port + BARE_PORT), "bench_bare does not come up")
        servers = {"gateway": (port, role.process.pid), "bare": (port + BARE_PORT, bare_pid)}
        for events in (1, 100):
            gateway_beside_bare(options, found, servers, events, key)


def gateway_beside_bare(options, found, servers, events, key):
    """Both in turns, so that neighbours disturb them alike; then the gateway at half of what it took."""
    seconds = max(1, options.seconds // TURNS)
    answers, processor, kafka = {"gateway": [], "bare": []}, {"gateway": 0.0, "bare": 0.0}, 0.0
    for port, _ in servers.values():
        post(options, port, 1, 0, events, key)  # its first second is not measured
    with progress.step(f"gateway and bare evhttp, {events} events a request"):
        for _ in range(TURNS):
            for name, (port, pid) in servers.items():
                before, broker = spent(pid), services_spent()["kafka"]
                answers[name].append(post(options, port, seconds, 0, events, key))
                processor[name] += spent(pid) - before
                kafka += services_spent()["kafka"] - broker if name == "gateway" else 0
    rates = {name: statistics.median(answer["events"] / answer["seconds"] for answer in some)
             for name, some in answers.items()}
    at_half = max(1, int(rates["gateway"] / events / 2))
    with progress.step(f"gateway at half load, {events} events a request"):
        half = post(options, servers["gateway"][0], options.seconds, at_half, events, key)
    counts = {name: sum(answer["events"] for answer in some) for name, some in answers.items()}
    name = f"gateway.{events}"
    found.update({f"{name}.bare": rates["bare"], f"{name}.rate": rates["gateway"],
                  f"{name}.of_bare": rates["gateway"] / rates["bare"],
                  f"{name}.p50": half["p50_us"] / 1000, f"{name}.p99": half["p99_us"] / 1000,
                  f"{name}.ns.gateway": processor["gateway"] * 1e9 / counts["gateway"],
                  f"{name}.ns.bare": processor["bare"] * 1e9 / counts["bare"],
                  f"{name}.ns.kafka": kafka * 1e9 / counts["gateway"]})


def healthy():
    try:
        with urllib.request.urlopen(f"http://{setting('ingest.ops_listen')}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def post(options, port, seconds, rate, events, *key):
    return our_tool("post", port, POST_CONNECTIONS, seconds, rate, events, options.tenants, *key)


@contextlib.contextmanager
def bare(port):
    with subprocess.Popen([OUR_TOOLS / "bench_bare", str(port)], stdin=subprocess.DEVNULL) as server:
        try:
            yield server.pid
        finally:
            server.terminate()


def listens(port):
    wanted = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in list(table)[1:])


# --- latency

def latency(world, options, found):
    """From Kafka's acceptance to Redis, while other events come at a part of the rate that was measured end to end."""
    if not world.up:
        world.fresh()
    tenant, meter = sql(f"select (select max(tenant) from catalog.tenant where id = '{PROBE_TENANT}'),"
                        " (select max(meter) from catalog.meter where id = 'bench_type0')")
    with Role(world, "rate") as rater:
        with progress.step("waiting for the rater"):
            world.wait_committed(rater, world.log_ends(), MARKERS)
        for name, share in (("half", 2), ("tenth", 10)):
            rate = max(1, int(found["single.rate"] / share))
            words = world.producing(rate * (WARM_SECONDS + options.seconds + 1), 1, rate)
            with progress.step(f"latency at {rate:,} events a second"), \
                    subprocess.Popen([OUR_TOOLS / "bench_load", *map(str, words)], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL) as sender:
                time.sleep(WARM_SECONDS)
                answer = our_tool("probe", options.seconds, PROBE_MS, PROBE_TENANT, tenant, meter)
                sender.wait()
            found[f"latency.{name}.p50"] = answer["p50_ms"] / 1000
            found[f"latency.{name}.p99"] = answer["p99_ms"] / 1000
            world.wait_committed(rater, world.log_ends(), MARKERS)


def hot_tenant(world, options, found):
    """The same for a tenant of another partition while one tenant sends a hundred times as much as all others: half of the
    rate that was measured end to end. Without it first."""
    if not world.up:
        world.fresh()
    tenant, meter, hot_partition, partition = sql(
        f"select (select max(tenant) from catalog.tenant where id = '{PROBE_TENANT}'),"
        " (select max(meter) from catalog.meter where id = 'bench_type0'),"
        f" rating.shard_of('{HOT_TENANT}') % 4, rating.shard_of('{PROBE_TENANT}') % 4")
    if hot_partition == partition:
        raise Failed("the hot tenant and the one that is looked at are in one partition")
    others = max(1, int(found["single.rate"] / 2 / (HOT_TIMES + 1)))
    with Role(world, "rate") as rater:
        with progress.step("waiting for the rater"):
            world.wait_committed(rater, world.log_ends(), MARKERS)
        for name, hot in (("without", 0), ("beside", others * HOT_TIMES)):
            seconds = WARM_SECONDS + options.seconds + 1
            senders = [world.producing(others * seconds, 1, others)]
            senders += [world.producing(hot * seconds, 1, hot, tenants=1)] if hot else []
            with progress.step(f"latency {name} a hot tenant of {others * HOT_TIMES:,} events a second"), \
                    contextlib.ExitStack() as stack:
                for words in senders:
                    stack.enter_context(subprocess.Popen([OUR_TOOLS / "bench_load", *map(str, words)],
                                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
                time.sleep(WARM_SECONDS)
                answer = our_tool("probe", options.seconds, PROBE_MS, PROBE_TENANT, tenant, meter)
            found[f"hot.{name}.p99"] = answer["p99_ms"] / 1000
            world.wait_committed(rater, world.log_ends(), MARKERS)
    found["hot.ratio"] = found["hot.beside.p99"] / found["hot.without.p99"]


# --- recovery

def recovery(world, options, found):
    """A rater is killed while it counts a backlog; another, with another name, takes over."""
    if not world.up:
        world.fresh()
    world.produce(options.events, FORMS["single"])
    ends = world.log_ends()
    start = sum(ends.values()) - options.events
    # a batch is never so large that a small run would be one commit; at full size this is no limit
    flags = [f"--rate.flush_events={max(1, options.events // COMMITS_LEAST)}"]
    begin = time.time()
    with Role(world, "rate", "--rate.instance=bench-first", *flags) as rater:
        with progress.step("rating until the kill"):
            wait_offsets(rater, ends, start, start + options.events * 45 // 100)
            rater.kill()
    killed = time.time()
    time.sleep(1)  # a COMMIT that it had sent ends; the session timeout is longer
    (killed_at,) = sql("select sum(next_offset) from rating.partition")
    live, _ = commit_rate(begin)
    # the kill may have come late: the other rater always has work, also where the first one had nearly done
    world.produce(options.events // 2, FORMS["single"])
    ends = world.log_ends()
    with progress.step("rating again"), Role(world, "rate", "--rate.instance=bench-second", *flags) as rater:
        wait_offsets(rater, ends, killed_at, sum(ends.values()))
    replay, moved = commit_rate(killed + 1)
    found.update({"recovery.live": live, "recovery.replay": replay, "recovery.ratio": replay / live,
                  "recovery.moving": moved - killed})


def wait_offsets(rater, ends, start, goal):
    """Until the next offsets that are committed sum to `goal`."""
    last, deadline = start, time.monotonic() + REBUILD_SECONDS
    while last < goal:
        rater.check()
        found = committed()
        count = sum(found.values())
        if len(found) == len(ends) and count > last:
            last, deadline = count, time.monotonic() + REBUILD_SECONDS
        if time.monotonic() > deadline:
            raise Failed(f"nothing was committed for {REBUILD_SECONDS} s")
        progress.part(count, goal)
        time.sleep(0.02)


def commit_rate(begin):
    """Messages a second from the first commit after the time `begin` to the last one, and the first one's time; by the
    batches' own times, so that a look that comes late changes nothing."""
    commits, first, last, messages = sql(f"""
        select count(*), coalesce(min(at), 0), coalesce(max(at), 0), coalesce(sum(messages), 0)
            - coalesce((array_agg(messages order by at))[1], 0)
        from (select (extract(epoch from max(committed_time)) * 1e6)::bigint as at,
                sum(next_offset - first_offset) as messages
            from rating.batch where committed_time > to_timestamp({begin}) group by xmin::text) as commit""")
    if commits < 2:
        raise Failed("too few events: they were one commit")
    return messages * 1e6 / (last - first), first / 1e6


# name -> (measurement, what it needs to have been measured)
ROWS = {
    "price": (price, ()),  # first: it wipes its stack
    "single": (end_to_end("single"), ()),
    "packed": (end_to_end("packed"), ("single",)),
    "engine": (engine, ("single", "packed")),
    "dedup": (dedup, ()),
    "disk": (disk, ()),
    "latency": (latency, ("single",)),
    "hot": (hot_tenant, ("single",)),
    "recovery": (recovery, ()),
    "gateway": (gateway, ()),  # last: it leaves more events in the log than all others
}


def with_needs(names):
    """The rows and those that they need, in the table's order."""
    wanted = set(names)
    for name in reversed(list(ROWS)):
        if name in wanted:
            wanted.update(ROWS[name][1])
    return [name for name in ROWS if name in wanted]
