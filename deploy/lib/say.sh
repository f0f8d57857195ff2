# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced. Progress lines with elapsed time, errors, and waiting with a deadline. No state besides the start time.

# Centiseconds since boot: does not jump when somebody sets the clock.
now_cs() {
    local up rest
    read -r up rest </proc/uptime
    printf '%d\n' "$((10#${up/./}))"
}

say_start_cs=$(now_cs)
say_quiet=${say_quiet:-no}

# say TEXT: one line of progress.
say() {
    [ "$say_quiet" = no ] || return 0
    local cs=$(($(now_cs) - say_start_cs))
    printf '[%3d.%d s] %s\n' $((cs / 100)) $((cs % 100 / 10)) "$*"
}

# fail CODE LINE...: says what is wrong on standard error and leaves. 64 usage, 69 something is missing, 1 the rest.
fail() {
    local code=$1 line
    shift
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    for line in "$@"; do printf '    %s\n' "$line" >&2; done
    exit "$code"
}

# wait_until SECONDS COMMAND...: polls until COMMAND succeeds. 1 when the deadline came first.
wait_until() {
    local deadline=$(($(now_cs) + $1 * 100))
    shift
    until "$@"; do
        [ "$(now_cs)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}
