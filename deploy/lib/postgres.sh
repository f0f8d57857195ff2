# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by deploy/stack. PostgreSQL: cluster, start and readiness, the database and its roles. Tables and grants are
# the migrations' affair.

# One login role per process of ours and per reader, secrets/NAME is the password of turnpike_NAME; `admin` migrates.
postgres_roles=(ingest rate bill api report catalogue)

# Sets postgres_bin: the version that made the cluster, else the newest there is.
postgres_programs() {
    local version
    if [ -s "$data/postgres/PG_VERSION" ]; then
        version=$(<"$data/postgres/PG_VERSION")
    else
        version=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -1)
    fi
    postgres_bin=/usr/lib/postgresql/$version/bin
    [ -n "$version" ] && [ -x "$postgres_bin/postgres" ] ||
        fail 69 "PostgreSQL ${version:-15 or newer} is missing" "run deploy/install run"
    [ "$version" -ge 15 ] || fail 69 "PostgreSQL 15 or newer is needed, this is $version"
}

# Makes the cluster in a folder beside its place and moves it there when it is whole.
postgres_make_cluster() {
    [ ! -s "$data/postgres/PG_VERSION" ] || return 0
    say "postgres: making its cluster"
    local part=$data/postgres.part password=$data/postgres.password
    rm -rf "$part" "$data/postgres"
    state_folder "$part"
    install -m 600 ${service_user:+-o "$service_user"} "$state/secrets/admin" "$password"
    as_service env TZ=UTC "$postgres_bin/initdb" -D "$part" --username=turnpike_admin --pwfile="$password" \
        --auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C.UTF-8 \
        </dev/null >>"$state/log/postgres.log" 2>&1 || {
        rm -f "$password"
        tail -n 10 "$state/log/postgres.log" >&2
        fail 1 "initdb failed; its message is above"
    }
    rm -f "$password"
    mv -T "$part" "$data/postgres"
}

# Every server process of a cluster works in its directory.
postgres_leftovers() { find /proc/[0-9]*/cwd -lname "$data/postgres" -printf '%h\n' 2>/dev/null | sed 's,/proc/,,'; }
postgres_has_no_leftovers() { [ -z "$(postgres_leftovers)" ]; }

# After kill -9 of the server its children need a moment to notice and go. Its own pid file then names a process that
# is gone or, after a restart of the machine, somebody else's; with nobody left in the directory it means nothing.
postgres_clear_the_way() {
    [ -e "$data/postgres/postmaster.pid" ] || return 0
    wait_until 20 postgres_has_no_leftovers ||
        fail 1 "processes $(postgres_leftovers | tr '\n' ' ')still work in $data/postgres" "end them, then try again"
    rm -f "$data/postgres/postmaster.pid"
}

postgres_check() {
    port_needed "$port_postgres" postgres
    postgres_programs
}

postgres_start() {
    secret admin
    postgres_make_cluster
    postgres_clear_the_way
    local memory
    memory=$(sed -n 's/^dynamic_shared_memory_type = \([a-z]*\).*/\1/p' "$data/postgres/postgresql.conf")
    render "$root/deploy/lib/postgresql.conf" "$data/conf/postgresql.conf" 644 \
        PORT="$port_postgres" SHARED_MEMORY="${memory:-posix}"
    process_start postgres "$port_postgres" "$service_user" \
        "$postgres_bin/postgres" -D "$data/postgres" -c "config_file=$data/conf/postgresql.conf"
}

postgres_ready() {
    port_answers "$port_postgres" && "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$port_postgres" -d postgres
}

postgres_sql() {
    PGPASSWORD=$(<"$state/secrets/admin") PGOPTIONS='-c log_min_error_statement=panic -c client_min_messages=warning' \
        "$postgres_bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port_postgres" -U turnpike_admin -d "$1"
}

# The database, its owner (whom nobody can log in as) and the login roles. Idempotent; passwords follow the files.
postgres_make_database() {
    local role
    for role in "${postgres_roles[@]}"; do secret "$role"; done
    {
        printf 'select %s where not exists (select from pg_roles where rolname = %s) \\gexec\n' \
            "'create role turnpike_owner nologin'" "'turnpike_owner'"
        for role in "${postgres_roles[@]}"; do
            printf 'select %s where not exists (select from pg_roles where rolname = %s) \\gexec\n' \
                "'create role turnpike_$role login nosuperuser nocreatedb nocreaterole noreplication'" \
                "'turnpike_$role'"
            printf "alter role turnpike_%s password '%s';\n" "$role" "$(<"$state/secrets/$role")"
        done
        printf 'select %s where not exists (select from pg_database where datname = %s) \\gexec\n' \
            "'create database turnpike owner turnpike_owner'" "'turnpike'"
        printf 'revoke all on database turnpike, postgres, template1 from public;\n'
        printf 'grant connect, temporary on database turnpike to %s;\n' \
            "$(printf 'turnpike_%s, ' "${postgres_roles[@]}" | sed 's/, $//')"
    } | postgres_sql postgres || fail 1 "the database or its roles could not be made; PostgreSQL's message is above"
}

# A fast stop first (sessions are ended, a checkpoint is written), then an immediate one: the next start recovers.
postgres_stop() { process_stop postgres INT:60 QUIT:20 KILL:10; }
