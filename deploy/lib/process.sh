# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced after say.sh. Long-running processes with a record each: $state/run/NAME.pid holds
#     PID START_TICKS BOOT_ID PORT
# A process is ours only while pid, start time and boot agree, so a number that the system gave to somebody else is
# never signalled. The process writes its record itself before it becomes the program: there is no moment at which it
# runs unrecorded. Used by deploy/stack and by whatever starts roles beside it; deploy/stack down ends every record.

# The state letter, number of threads and start time (ticks since boot) of PID; 1 when there is none.
process_stat() {
    local stat
    { read -r -d '' stat || [ -n "$stat" ]; } 2>/dev/null <"/proc/$1/stat" || return 1
    # the second field is the name in parentheses and may hold anything
    read -r -a stat <<<"${stat##*) }"
    process_letter=${stat[0]} process_threads=${stat[17]} process_ticks=${stat[19]}
}

# Reads the record of NAME into process_pid, process_started, process_boot, process_port; 1 when there is none.
process_record() {
    process_pid='' process_started='' process_boot='' process_port=''
    [ -r "$state/run/$1.pid" ] || return 1
    read -r process_pid process_started process_boot process_port <"$state/run/$1.pid" || return 1
    [[ $process_pid =~ ^[0-9]+$ && $process_started =~ ^[0-9]+$ ]]
}

# 0 when NAME is recorded and the system still knows the recorded process, as a zombie at least.
process_known() {
    local boot
    process_record "$1" || return 1
    read -r boot </proc/sys/kernel/random/boot_id
    [ "$boot" = "$process_boot" ] && process_stat "$process_pid" && [ "$process_ticks" = "$process_started" ]
}

# 0 when NAME is recorded and the recorded process lives (a zombie does not).
process_runs() { process_known "$1" && [ "$process_letter" != Z ] && [ "$process_letter" != X ]; }

# 1 while NAME has died and not yet let go: its first thread is a zombie, others still hold its ports and locks.
process_let_go() { process_runs "$1" || ! process_known "$1" || [ "$process_threads" -le 1 ]; }

process_record_is_of() { process_record "$1" && [ "$process_pid" = "$2" ]; }

# process_start NAME PORT USER COMMAND...: starts COMMAND in the background in a session of its own, without standard
# input, with its output appended to $state/log/NAME.log, as USER when that is not empty (we are root then).
# PORT is kept for the status table; "-" for none. Readiness is for the caller to await.
process_start() {
    local name=$1 port=$2 user=$3 log=$state/log/$1.log
    shift 3
    mkdir -p "$state/run" "$state/log"
    # a log of 16 MiB or more makes room once
    if [ -f "$log" ] && [ "$(stat -c %s "$log")" -ge 16777216 ]; then mv -f "$log" "$log.1"; fi
    rm -f "$state/run/$name.pid"
    # lower descriptors than 3 are the daemon's; the lock (9) must not live on in it
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid bash -c '
        record=$1 port=$2 user=$3; shift 3
        read -r -d "" stat <"/proc/$$/stat" || true
        read -r -a stat <<<"${stat##*) }"
        read -r boot </proc/sys/kernel/random/boot_id
        printf "%s %s %s %s\n" "$$" "${stat[19]}" "$boot" "$port" >"$record.new"
        mv -f "$record.new" "$record"
        [ -z "$user" ] ||
            exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --no-new-privs -- "$@"
        exec "$@"' "turnpike-$name" "$state/run/$name.pid" "$port" "$user" "$@" \
        </dev/null >>"$log" 2>&1 9>&- &
    local pid=$!
    disown "$pid"
    wait_until 10 process_record_is_of "$name" "$pid" || fail 1 "$name did not start" "its log: $log"
}

process_gone() { ! process_runs "$1" && process_let_go "$1"; }

# process_stop NAME SIGNAL:SECONDS...: sends each signal in turn, waiting up to SECONDS for the end after it. The last
# one should be KILL. 0 when the process has ended or was not ours to end; the record is removed then.
process_stop() {
    local name=$1 step
    shift
    for step in "$@"; do
        process_runs "$name" || break
        kill -s "${step%%:*}" "$process_pid" 2>/dev/null || process_gone "$name" || return 1
        if wait_until "${step##*:}" process_gone "$name"; then break; fi
        say "$name: still there ${step##*:} s after ${step%%:*}"
    done
    wait_until 10 process_gone "$name" || return 1
    rm -f "$state/run/$name.pid"
}

# Resident KiB of PID and its children, memory that they share counted once.
process_memory_kib() {
    # processes come and go while we look: cat passes over those that have gone
    { cat /proc/[0-9]*/status 2>/dev/null || true; } | awk -v root="$1" '
        $1 == "Pid:" { pid = $2 }
        $1 == "PPid:" { wanted = (pid == root || $2 == root) }
        wanted && $1 == "RssAnon:" { anon += $2 }
        wanted && $1 == "RssFile:" && $2 > file { file = $2 }
        wanted && $1 == "RssShmem:" && $2 > shared { shared = $2 }
        END { print anon + file + shared }'
}
