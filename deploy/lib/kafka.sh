# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by deploy/stack. Kafka: its jars (fetched once by Maven, pinned by checksum), storage, start and readiness.

kafka_version=4.1.1

kafka_cache() {
    local home=${XDG_CACHE_HOME:-}
    [ -n "$home" ] || home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache
    printf '%s/turnpike/kafka-%s' "$home" "$kafka_version"
}

# kafka_jars_differ FOLDER: prints what is missing, extra or different there, nothing when all is as pinned.
kafka_jars_differ() {
    # both programs end non-zero when they find something, which is no failure here
    { diff <(cut -c67- "$root/deploy/kafka/jars.sha256" | sort) <(ls -A "$1" | sort) || true; } |
        sed -n 's/^< /missing: /p; s/^> /not in the list: /p'
    { (cd "$1" && sha256sum --quiet --check "$root/deploy/kafka/jars.sha256" 2>/dev/null) || true; } |
        sed -n 's/^\(.*\): FAILED$/different: \1/p'
}

# Leaves the jars in the cache, verified, and sets kafka_jars. Nothing is fetched when they are there.
kafka_jars_ready() {
    local cache part attempt wrong
    cache=$(kafka_cache)
    mkdir -p "$(dirname "$cache")"
    exec 8>"$cache.lock"
    flock 8
    if [ ! -d "$cache" ]; then
        command -v mvn >/dev/null || fail 69 "Maven, which fetches Kafka, is missing" "run deploy/install run"
        say "kafka: fetching version $kafka_version into $cache"
        part=$(mktemp -d "$cache.part.XXXXXX")
        for attempt in 1 2 3; do
            if mvn -B -q -C -f "$root/deploy/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
                -DoutputDirectory="$part" </dev/null >"$part.log" 2>&1 8>&-; then
                break
            fi
            say "kafka: fetching failed (attempt $attempt of 3)"
            [ "$attempt" -lt 3 ] || {
                tail -n 5 "$part.log" >&2
                rm -rf "$part" "$part.log"
                fail 69 "the jars of Kafka could not be fetched; Maven's message is above"
            }
        done
        wrong=$(kafka_jars_differ "$part")
        [ -z "$wrong" ] || {
            rm -rf "$part" "$part.log"
            fail 1 "what Maven fetched is not what deploy/kafka/jars.sha256 pins; nothing was kept" "${wrong//$'\n'/; }"
        }
        rm -f "$part.log"
        chmod 755 "$part"
        chmod 644 "$part"/*.jar
        mv -T "$part" "$cache"
    fi
    exec 8>&-
    wrong=$(kafka_jars_differ "$cache")
    [ -z "$wrong" ] ||
        fail 1 "the jars in $cache are not what deploy/kafka/jars.sha256 pins" "${wrong//$'\n'/; }" \
            "delete that directory to have them fetched again"
    kafka_jars=$cache
    if ! as_service test -r "$cache/kafka_2.13-$kafka_version.jar"; then
        # the cache of root lies out of the services' user's reach: links where the file system allows, else copies
        kafka_jars=$data/kafka-jars
        rm -rf "$kafka_jars"
        mkdir -m 755 "$kafka_jars"
        cp -l "$cache"/*.jar "$kafka_jars" 2>/dev/null || cp "$cache"/*.jar "$kafka_jars"
    fi
}

kafka_java() {
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    java=$(command -v "$java") || fail 69 "Java 17 or newer is missing" "run deploy/install run"
    local version
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$(dirname "$(dirname "$(realpath "$java")")")/release" \
        2>/dev/null || true)
    [ -n "$version" ] || version=$("$java" -version 2>&1 | sed -n '1s/.*"\([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 17 ] || fail 69 "Kafka needs Java 17 or newer, '$java' is version ${version:-unknown}"
}

# The Java command line up to the main class, in kafka_command.
kafka_command_line() {
    kafka_command=("$java" -Xms384m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData
        -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true "-Djava.io.tmpdir=$data/kafka/tmp"
        "-Dlog4j2.configurationFile=$data/conf/log4j2.properties" -cp "$kafka_jars/*")
}

kafka_check() {
    port_needed "$port_kafka" kafka
    port_needed "$port_controller" "kafka's controller"
    kafka_java
    kafka_jars_ready
}

kafka_start() {
    state_folder "$data/kafka"
    # native parts of the jars are unpacked there at every start
    rm -rf "$data/kafka/tmp"
    state_folder "$data/kafka/tmp"
    state_folder "$data/kafka/logs"
    render "$root/deploy/kafka/log4j2.properties" "$data/conf/log4j2.properties" 644
    render "$root/deploy/kafka/server.properties" "$data/conf/kafka.properties" 644 \
        BROKER_PORT="$port_kafka" CONTROLLER_PORT="$port_controller" LOG_DIRS="$data/kafka/logs"
    kafka_command_line
    if [ ! -s "$data/conf/kafka-cluster-id" ]; then
        # 16 random bytes in URL-safe base 64; one that begins with a dash would look like an option
        local id=-
        while [ "${id#-}" != "$id" ]; do id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '='); done
        printf '%s' "$id" >"$data/conf/kafka-cluster-id.new"
        mv -f "$data/conf/kafka-cluster-id.new" "$data/conf/kafka-cluster-id"
    fi
    if [ ! -f "$data/kafka/logs/meta.properties" ]; then
        say "kafka: formatting its storage"
        as_service "${kafka_command[@]}" kafka.tools.StorageTool format -g -t "$(<"$data/conf/kafka-cluster-id")" \
            -c "$data/conf/kafka.properties" </dev/null >>"$state/log/kafka.log" 2>&1 || {
            tail -n 20 "$state/log/kafka.log" >&2
            fail 1 "kafka's storage could not be formatted; its message is above"
        }
    fi
    kafka_log_from=$(stat -c %s "$state/log/kafka.log" 2>/dev/null || echo 0)
    process_start kafka "$port_kafka" "$service_user" "${kafka_command[@]}" kafka.Kafka "$data/conf/kafka.properties"
    # the log may have made room
    [ "$(stat -c %s "$state/log/kafka.log")" -ge "$kafka_log_from" ] || kafka_log_from=0
}

# The broker says so once it is registered and its controller has let it serve clients. A broker that ran before we
# looked has said it long ago: then its open port is enough.
kafka_ready() {
    port_answers "$port_kafka" || return 1
    [ -n "${kafka_log_from:-}" ] || return 0
    tail -c +$((kafka_log_from + 1)) "$state/log/kafka.log" | grep -q 'Kafka Server started'
}

kafka_stop() { process_stop kafka TERM:30 KILL:10; }
