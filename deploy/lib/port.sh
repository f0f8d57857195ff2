# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced after say.sh. The ports of the stack and who holds one. Everything listens on 127.0.0.1.
#
# All ports lie at fixed distances from TURNPIKE_PORT_BASE (default 15000), so a second stack needs one number:
# Kafka +4092 (controller +4093), PostgreSQL +432, Redis +1379, ingest +3080, api +3081, metrics of the roles +3090...

port_layout() {
    local base=${TURNPIKE_PORT_BASE:-15000}
    [[ $base =~ ^[0-9]{4,5}$ ]] && [ "$base" -ge 1024 ] && [ "$base" -le 61442 ] ||
        fail 64 "TURNPIKE_PORT_BASE is '$base': a number from 1024 to 61442 is needed"
    port_kafka=$((base + 4092)) port_controller=$((base + 4093))
    port_postgres=$((base + 432))
    port_redis=$((base + 1379))
    port_ingest=$((base + 3080)) port_api=$((base + 3081))
    port_ingest_ops=$((base + 3090)) port_rate_ops=$((base + 3091))
    port_bill_ops=$((base + 3092)) port_api_ops=$((base + 3093))
}

# The socket inode of whoever listens on PORT of loopback or of all addresses; nothing when nobody does.
port_listener() {
    local tables=(/proc/net/tcp)
    [ ! -r /proc/net/tcp6 ] || tables+=(/proc/net/tcp6)
    awk -v port="$(printf '%04X' "$1")" '
        { split($2, local, ":") }
        $4 == "0A" && local[2] == port &&
            (local[1] ~ /^0+$/ || local[1] ~ /7F$/ || local[1] ~ /^0+FFFF0000......7F$/) { print $10; exit }' \
        "${tables[@]}"
}

port_answers() { [ -n "$(port_listener "$1")" ]; }

# "NAME (pid N)" of the process that has the socket INODE; nothing when it is somebody else's and we may not look.
port_holder() {
    local link pid
    link=$(find /proc/[0-9]*/fd -lname "socket:\[$1\]" -print -quit 2>/dev/null || true)
    [ -n "$link" ] || return 0
    pid=${link#/proc/}
    pid=${pid%%/*}
    printf '%s (pid %s)' "$(tr '\0\n' '  ' <"/proc/$pid/cmdline" | cut -c1-60 | sed 's/ *$//')" "$pid"
}

# port_needed PORT SERVICE: leaves with a clear error when PORT is taken.
port_needed() {
    local inode holder
    inode=$(port_listener "$1")
    [ -n "$inode" ] || return 0
    holder=$(port_holder "$inode")
    fail 1 "port $1, which $2 needs, is taken by ${holder:-a process of another user}" \
        "end that process, or shift all ports of this stack with TURNPIKE_PORT_BASE (now ${TURNPIKE_PORT_BASE:-15000})"
}
