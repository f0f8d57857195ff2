# SPDX-License-Identifier: Apache-2.0
"""The faults that strike a trial: each once, and returns only when it has seen that it did."""
import os
import signal
import time

from deployment import need, until

RATE_POINTS = ("rate.after_poll", "rate.after_forward", "rate.before_copy", "rate.after_identities", "rate.after_copy",
               "rate.before_commit", "db.after_commit_sent", "rate.after_commit", "rate.between_redis", "rate.after_redis",
               "rate.in_rebuild")
BILL_POINTS = ("bill.before_post", "bill.usage_kept", "bill.before_commit", "db.after_commit_sent", "bill.after_commit")
INGEST_POINTS = ("ingest.before_produce", "ingest.before_answer")
CRASH_POINTS = tuple([("rate", point) for point in RATE_POINTS] + [("ingest", point) for point in INGEST_POINTS]
                     + [("bill", point) for point in BILL_POINTS])
CRASH_SECONDS = 60
# a backend of a rater that is in the middle of a transaction: told to end, or its process id
STRIKE = """
set client_min_messages = warning;
create temporary table struck (pid int);
do $$
begin
    while clock_timestamp() < statement_timestamp() + interval '60 s' loop
        perform pg_stat_clear_snapshot();
        insert into struck
        select pid from pg_stat_activity
         where datname = current_database() and application_name = 'turnpike rate' and state like '%active%'
           and backend_xid is not null {act}
         limit 1;
        exit when found;
        perform pg_sleep(0.0005);
    end loop;
end $$;
select pid from struck;
"""


def rater_of(trial):
    return trial.random.choice([name for name in trial.roles if name.startswith("rate")])


def need_running(trial, name):
    role = trial.roles[name]
    need(role.running, f"{name} had ended with {role.process.poll()} by itself: {role.output()[-1500:]}")
    return role


def kill(trial, name):
    need(need_running(trial, name).kill(), f"{name} ended before the kill")
    trial.begin(name)


def crash(trial, name, point):
    """Ends the role at a named crash point and starts it again."""
    if point == "rate.in_rebuild":  # there must be something to rebuild from
        until(CRASH_SECONDS, lambda: trial.deployment.one("select coalesce(sum(counted), 0) from rating.batch") > 0,
              "nothing is counted")
    need(need_running(trial, name).kill(), f"{name} ended before the kill")
    count = trial.random.randrange(1, 5)
    if (name, point) == ("rate-a", "db.after_commit_sent"):
        count += 4  # epochs are committed before batches, once a partition
    if point == "rate.in_rebuild":
        count = 1
    role = trial.begin(name, f"{point}:{count}")

    def ended():
        need(role.running or role.crashed_at(point),
             f"{role.name} ended with {role.process.poll()}, not at {point}: {role.output()[-800:]}")
        return not role.running
    until(CRASH_SECONDS, ended, lambda: f"{name} does not reach {point}: {role.output()[-800:]}")
    trial.begin(name)


def crash_of(role, point):
    def strike(trial):
        if role == "bill" and "bill" not in trial.roles:
            trial.begin("bill")
        crash(trial, {"rate": "rate-a"}.get(role, role), point)
    return strike


def kill_rater(trial):
    kill(trial, rater_of(trial))


def kill_gateway(trial):
    kill(trial, "ingest")


def kill_biller(trial):
    if "bill" not in trial.roles:
        trial.begin("bill")
        until(30, lambda: trial.deployment.one("select count(*) from rating.cut") > 0, "no settlement")
    kill(trial, "bill")


def end_rater(trial):
    """Politely."""
    name = rater_of(trial)
    need(need_running(trial, name).stop() == 0, f"{name} did not end well: {trial.roles[name].output()[-800:]}")
    trial.begin(name)


def join_rater(trial):
    """Another rater takes over some of the partitions, and stays."""
    if "rate-b" in trial.roles:
        return end_rater(trial)
    trial.begin("rate-b")
    return until(60, lambda: ("rate-b",) in {tuple(row) for row in trial.deployment.sql("select owner from rating.partition")},
                 lambda: "rate-b gets nothing: " + trial.roles["rate-b"].output()[-800:])


def freeze_rater(trial):
    """Shorter than its session."""
    process = need_running(trial, rater_of(trial)).process
    process.send_signal(signal.SIGSTOP)
    until(10, lambda: state_of(process.pid) == "T", "it is not stopped")
    time.sleep(trial.random.random())  # the fault itself
    process.send_signal(signal.SIGCONT)


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def cut_commit(trial):
    """The connection goes between COMMIT and its answer."""
    cut = trial.proxy.cut
    trial.proxy.arm()
    until(30, lambda: trial.proxy.cut > cut, "the proxy saw no COMMIT of a batch")


def cut_at(trial, word):
    """The connection goes before what has this word has reached PostgreSQL."""
    cut = trial.proxy.cut
    trial.proxy.arm(word)
    until(30, lambda: trial.proxy.cut > cut, f"the proxy saw no {word}")


def cut_before_commit(trial):
    cut_at(trial, b"commit\0")


def cut_in_copies(trial):
    cut_at(trial, b"copy rating.")


def cut_before_batch_row(trial):
    cut_at(trial, b"insert into rating.batch ")


def strike_backend(trial, act=""):
    output = trial.deployment.admin(STRIKE.format(act=act)).strip()
    need(output, "no rater was in a transaction")
    return int(output.splitlines()[0])


def terminate_backend(trial):
    strike_backend(trial, "and pg_terminate_backend(pid)")


def cancel_statement(trial):
    strike_backend(trial, "and pg_cancel_backend(pid)")


def kill_backend(trial):
    """PostgreSQL then ends all its sessions and recovers."""
    log = trial.deployment.state / "log/postgres.log"

    def recoveries():
        return log.read_text(errors="replace").count("database system is ready to accept connections")
    before = recoveries()
    os.kill(strike_backend(trial), signal.SIGKILL)  # the process stays when its transaction ends
    until(60, lambda: recoveries() > before, "PostgreSQL does not recover")


def hold_rows(trial):
    """Somebody locks the partitions' rows for a while."""
    trial.deployment.admin("begin; select count(*) from (select from rating.partition for update) p;"
                           " select pg_sleep(0.5); commit;")


def errors_of(trial, state):
    """How often PostgreSQL's log has an error of this kind in the trial's database."""
    text = (trial.deployment.state / "log/postgres.log").read_text(errors="replace")
    return sum(state in line for line in text.splitlines() if f"turnpike_rate@{trial.deployment.name}" in line)


def deadlock(trial):
    """A batch has written its row and wants the partition's; somebody has that one and wants the table of batches."""
    before, judged = errors_of(trial, "deadlock detected"), trial.deployment.judged()
    until(60, lambda: trial.deployment.judged() > judged, "nothing is judged")  # all partitions are taken
    trial.deployment.admin("""
        set deadlock_timeout = '20s'; -- the rater notices first
        begin;
        select count(*) from (select from rating.partition for update) p;
        do $$
        begin
            while clock_timestamp() < statement_timestamp() + interval '60 s' loop
                perform pg_stat_clear_snapshot();
                exit when exists (select from pg_stat_activity
                                   where datname = current_database() and application_name = 'turnpike rate'
                                     and wait_event_type = 'Lock' and query ilike 'update rating.partition%set batch_seq%');
                perform pg_sleep(0.0005);
            end loop;
        end $$;
        lock table rating.batch in share row exclusive mode;
        commit;""")
    need(errors_of(trial, "deadlock detected") > before, "there was no deadlock")


def refuse_serialization(trial):
    """The next three batches end with a serialization failure."""
    before = errors_of(trial, "could not serialize")
    trial.deployment.admin("""
        set client_min_messages = warning;
        create sequence struck_batches;
        grant usage on sequence struck_batches to public;
        create function strike_batch() returns trigger language plpgsql as $$
        begin
            if nextval('public.struck_batches') <= 3 then
                raise exception 'could not serialize access' using errcode = 'serialization_failure';
            end if;
            return new;
        end $$;
        create trigger strike before insert on rating.batch for each row execute function strike_batch();""")
    until(60, lambda: errors_of(trial, "could not serialize") >= before + 3, "no batch was refused")
    trial.deployment.admin("drop trigger strike on rating.batch; drop function strike_batch; drop sequence struck_batches")


def time_out_locks(trial):
    """Raters with a lock_timeout meet rows that somebody holds."""
    before, name = errors_of(trial, "lock timeout"), trial.deployment.name
    trial.deployment.admin(f"alter role turnpike_rate in database {name} set lock_timeout = '50ms'")
    terminate_backend(trial)  # it applies to new sessions
    until(60, lambda: hold_rows(trial) or errors_of(trial, "lock timeout") > before, "no lock was waited for")
    trial.deployment.admin(f"alter role turnpike_rate in database {name} reset lock_timeout")
    terminate_backend(trial)


def stop_postgres(trial):
    """An immediate stop: no checkpoint, no farewell."""
    pid = trial.deployment.service_pid("postgres")
    os.kill(pid, signal.SIGQUIT)
    until(20, lambda: not os.path.exists(f"/proc/{pid}") or state_of(pid) in "ZX", "PostgreSQL does not stop")
    trial.deployment.stack("up")


def kill_postgres(trial):
    trial.deployment.kill_service("postgres")
    trial.deployment.stack("up")


def kill_redis(trial):
    trial.deployment.kill_service("redis")
    trial.deployment.stack("up")


def flush_redis(trial):
    need(trial.deployment.redis("flushall") == ["OK"], "Redis does not flush")


def kill_kafka(trial):
    with trial.log:
        trial.deployment.kill_service("kafka")
        trial.deployment.stack("up")


# name: (strike, weight)
KINDS = {
    "kill rater": (kill_rater, 10),
    "end rater": (end_rater, 3),
    "rater joins": (join_rater, 3),
    "freeze rater": (freeze_rater, 4),
    "kill gateway": (kill_gateway, 6),
    "kill biller": (kill_biller, 3),
    "cut at commit": (cut_commit, 10),
    "cut before COMMIT": (cut_before_commit, 4),
    "cut in COPY": (cut_in_copies, 4),
    "cut before the batch row": (cut_before_batch_row, 3),
    "deadlock": (deadlock, 3),
    "serialization failure": (refuse_serialization, 3),
    "lock timeout": (time_out_locks, 2),
    "terminate backend": (terminate_backend, 8),
    "cancel statement": (cancel_statement, 4),
    "kill backend": (kill_backend, 4),
    "hold rows": (hold_rows, 3),
    "stop PostgreSQL": (stop_postgres, 3),
    "kill PostgreSQL": (kill_postgres, 3),
    "kill Redis": (kill_redis, 3),
    "flush Redis": (flush_redis, 5),
    "kill Kafka": (kill_kafka, 1),
}


def plan_of(number, pick):
    """Names and strikes: a crash point by the seed's number, so that all come in turn, and some faults by chance."""
    role, point = CRASH_POINTS[number % len(CRASH_POINTS)]
    names = pick.choices(list(KINDS), [weight for _, weight in KINDS.values()], k=pick.randrange(2, 5))
    plan = [(f"{role} at {point}", crash_of(role, point))] + [(name, KINDS[name][0]) for name in names]
    pick.shuffle(plan)
    return plan
