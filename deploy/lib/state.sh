# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced after say.sh. The state directory of a stack (./var of the checkout or TURNPIKE_STATE): made once, marked as
# ours, locked while a command works on it, and deleted only with its mark.
#
#     .turnpike-state   the mark: a directory without it is never adopted when it has files, and never deleted
#     turnpike.conf     the program's configuration (0600)
#     secrets/          generated passwords and the identity key (0700, files 0600)
#     run/  log/        a record and a log per process
#     data/             the services' files; a link to a directory under /var/lib/turnpike when we are root and the
#                       services' user cannot reach the checkout (in root's home, say)
#
# As root the services run as service_user; everything else stays with root. Otherwise service_user is empty.

state_mark=.turnpike-state

state_locate() {
    state=$(realpath -m "${TURNPIKE_STATE:-$root/var}")
    case $state in
        / | "$(realpath -m "${HOME:-/}")" | "$root") fail 64 "'$state' cannot be the state directory" ;;
        *$'\n'*) fail 64 "the path of the state directory has a line break" ;;
    esac
    service_user=''
    if [ "$(id -u)" -eq 0 ]; then
        service_user=${TURNPIKE_SERVICE_USER:-postgres}
        id "$service_user" >/dev/null 2>&1 || service_user=nobody
        [ "$(id -u "$service_user")" -ne 0 ] || fail 64 "TURNPIKE_SERVICE_USER must not be root"
    fi
    data=$(realpath -m "$state/data")
}

state_exists() { [ -f "$state/$state_mark" ]; }

# as_service COMMAND...: runs COMMAND as the services' user.
as_service() {
    if [ -z "$service_user" ]; then
        "$@"
    else
        setpriv --reuid "$service_user" --regid "$(id -g "$service_user")" --clear-groups --no-new-privs -- "$@"
    fi
}

# state_folder PATH: makes a directory that belongs to the services' user alone.
state_folder() {
    [ ! -d "$1" ] || return 0
    mkdir -m 700 "$1"
    [ -z "$service_user" ] || chown "$service_user:" "$1"
}

state_mark_directory() {
    local folder=$1 kind=$2
    if [ -f "$folder/$state_mark" ]; then
        # inside the state directory it moves along with it; elsewhere it must be this one's
        [ "${folder#"$state"}" != "$folder" ] || [ "$(sed -n 2p "$folder/$state_mark")" = "$kind of $state" ] ||
            fail 1 "$folder belongs to another state directory: it is the $(sed -n 2p "$folder/$state_mark")" \
                "this one was moved or copied; remove the link $state/data to start with empty services"
        return 0
    fi
    [ -z "$(ls -A "$folder")" ] ||
        fail 1 "$folder has files in it that deploy/stack did not make" \
            "point TURNPIKE_STATE to a new or empty directory"
    printf 'Files of a local Turnpike stack: deploy/stack wipe deletes this directory.\n%s of %s\n' "$kind" "$state" \
        >"$folder/$state_mark"
}

# Makes what is missing of the directory and locks it. Idempotent.
state_open() {
    local owner
    mkdir -p "$state" || fail 1 "cannot make the state directory $state"
    owner=$(stat -c %U "$state")
    [ -O "$state" ] ||
        fail 1 "$state belongs to user $owner" "run as that user, or point TURNPIKE_STATE to a directory of your own"
    state_lock
    state_mark_directory "$state" state
    # others may pass through (the services' user must), not look
    chmod 711 "$state"
    mkdir -p "$state/run" "$state/log" "$state/secrets"
    chmod 700 "$state/run" "$state/log" "$state/secrets"
    if [ ! -e "$state/data" ] && [ ! -L "$state/data" ]; then
        if as_service test -x "$state"; then
            mkdir "$state/data"
        else
            data=/var/lib/turnpike/$(printf '%s' "$state" | sha256sum | cut -c1-12)
            say "state: the services' files go to $data, for user $service_user cannot reach $state"
            mkdir -p "$data"
            ln -s "$data" "$state/data"
        fi
    fi
    data=$(realpath -m "$state/data")
    [ -d "$data" ] || mkdir -p "$data"
    state_mark_directory "$data" data
    chmod 711 "$data"
    mkdir -p "$data/conf"
    chmod 711 "$data/conf"
    as_service test -x "$data/conf" ||
        fail 1 "user $service_user, as whom the services run, cannot reach $data" \
            "point TURNPIKE_STATE to a directory that this user can pass into, for example /var/lib/turnpike/demo"
}

# One command at a time works on a state directory: a lock on the directory itself, held through descriptor 9 until we
# end. What we start and wait for keeps the lock too, so that nobody works beside an initdb whose caller was killed.
state_lock() {
    while :; do
        { exec 9<"$state"; } 2>/dev/null || fail 1 "cannot read the directory $state"
        flock -n 9 || { say "state: waiting for another deploy/stack"; flock -w 300 9; } ||
            fail 1 "another deploy/stack works on $state"
        # it may have been deleted, and made anew, while we waited
        [ "$(stat -L -c %i "/proc/$$/fd/9")" != "$(stat -c %i "$state" 2>/dev/null)" ] || return 0
        mkdir -p "$state"
    done
}

# secret NAME: makes secrets/NAME once, 32 random bytes as 64 hex digits without a line end.
secret() {
    local path=$state/secrets/$1
    [ ! -s "$path" ] || return 0
    (umask 077 && od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' >"$path.new")
    mv -f "$path.new" "$path"
}

# render TEMPLATE TARGET MODE WORD=VALUE...: replaces every @WORD@ and puts the result in place at once.
render() {
    local template=$1 target=$2 mode=$3 text pair
    shift 3
    text=$(<"$template")
    for pair in "$@"; do text=${text//"@${pair%%=*}@"/"${pair#*=}"}; done
    (umask 077 && printf '%s\n' "$text" >"$target.new")
    chmod "$mode" "$target.new"
    mv -f "$target.new" "$target"
}

# Deletes the directory and, where it is elsewhere, the services' files. The mark must be there.
state_delete() {
    if [ "$data" != "$state/data" ] && [ -e "$data" ]; then
        [ "$(sed -n 2p "$data/$state_mark" 2>/dev/null)" = "data of $state" ] ||
            fail 1 "$data is not marked as the data of $state: not deleted"
        rm -rf --one-file-system -- "$data"
        rmdir --ignore-fail-on-non-empty "$(dirname "$data")"
    fi
    state_exists || fail 1 "$state has no $state_mark: not ours to delete"
    rm -rf --one-file-system -- "$state"
}
