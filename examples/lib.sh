# Shared by the examples: sourced, never run.
# shellcheck shell=sh
set -eu
MACHINE=${MACHINE:-machine}

# on NAME ARG…  runs the docker client against a machine.
on() {
    name=$1
    shift
    docker_options=$("$MACHINE" config "$name" | tr -d '"' | tr '\n' ' ')
    # shellcheck disable=SC2086 # options
    docker $docker_options "$@"
}

# try SECONDS COMMAND ARG…  runs a command until it succeeds; its last words are shown if it never does.
try() {
    left=$1
    shift
    until said=$("$@" 2>&1); do
        left=$((left - 1))
        [ "$left" -gt 0 ] || { echo "$*: $said" >&2; return 1; }
        sleep 1
    done
    printf '%s\n' "$said"
}
