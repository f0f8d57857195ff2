# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by deploy/stack. Redis: configuration, start and readiness.

# The server is the same program as redis-check-rdb and goes by its name; package redis-server only adds the link and
# a system service, which we neither need nor want to leave behind.
redis_program() {
    redis_command=(redis-server)
    if ! command -v redis-server >/dev/null; then
        redis_command=(bash -c 'exec -a redis-server "$(command -v redis-check-rdb)" "$@"' redis-server)
        command -v redis-check-rdb >/dev/null || fail 69 "Redis is missing" "run deploy/install run"
    fi
    command -v redis-cli >/dev/null || fail 69 "redis-cli is missing" "run deploy/install run"
}

redis_check() {
    port_needed "$port_redis" redis
    redis_program
}

redis_start() {
    secret redis
    state_folder "$data/redis"
    render "$root/deploy/lib/redis.conf" "$data/conf/redis.conf" 640 PORT="$port_redis" DIR="$data/redis" \
        PASSWORD_SHA256="$(sha256sum <"$state/secrets/redis" | cut -d' ' -f1)"
    [ -z "$service_user" ] || chgrp "$(id -g "$service_user")" "$data/conf/redis.conf"
    process_start redis "$port_redis" "$service_user" "${redis_command[@]}" "$data/conf/redis.conf"
}

redis_ready() {
    port_answers "$port_redis" || return 1
    [ "$(REDISCLI_AUTH=$(<"$state/secrets/redis") timeout 5 redis-cli -h 127.0.0.1 -p "$port_redis" ping 2>&1)" = PONG ]
}

redis_stop() { process_stop redis TERM:10 KILL:10; }
