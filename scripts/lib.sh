# Shared by quickstart, test and bench: sourced, never run.
# shellcheck shell=bash

# Prints a heading on stderr, so that stdout stays for results.
say() { printf '\n== %s\n' "$*" >&2; }

# Runs a command as root: directly, or through sudo without asking.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Whether a program is on PATH, or a file exists where its whole path is given.
is_there() {
    case $1 in
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# need_packages PROGRAM=PACKAGE…  installs the packages whose program (or file) is missing. Twice, if need
# be: what is installed may push out something that was there and does not go with it.
need_packages() {
    local missing pair round
    for round in first second; do
        missing=()
        for pair in "$@"; do
            is_there "${pair%%=*}" || missing+=("${pair#*=}")
        done
        [ ${#missing[@]} -gt 0 ] || return 0
        if ! command -v apt-get >/dev/null 2>&1; then
            echo "please install: ${missing[*]}" >&2
            return 1
        fi
        say "Installing ${missing[*]}"
        [ $round = second ] || as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    done
}

# Puts cargo on PATH; installs the toolchain through rustup where there is none.
need_rust() {
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    command -v cargo >/dev/null 2>&1 && return 0
    need_packages curl=curl
    say "Installing Rust"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y --profile minimal --component clippy --component rustfmt --no-modify-path
    . "$HOME/.cargo/env"
}

# A docker client: the distribution's own package, whatever its release calls it.
need_docker_client() {
    command -v docker >/dev/null 2>&1 && return 0
    need_packages docker=docker-cli 2>/dev/null || need_packages docker=docker.io
}

# Nushell, from the npm registry, for no distribution has it. The tests say so where it is missing.
need_nushell() {
    local tools=target/tools
    if [ -d "$tools/node_modules/@nushell" ]; then
        :
    elif command -v nu >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1 || [ "$(uname -sm)" != "Linux x86_64" ]; then
        return 0
    else
        say "Installing Nushell"
        npm install --silent --no-fund --no-audit --prefix "$tools" @nushell/linux-x64@0.115.1 >/dev/null 2>&1 || return 0
    fi
    PATH="$PATH:$PWD/$tools/node_modules/@nushell/linux-x64/bin"
    export PATH
}

# need_target TARGET  makes the standard library of another target usable, and puts what cargo needs
# for it into TARGET_ARGS. Fails where it cannot be had.
need_target() {
    local target=$1
    TARGET_ARGS=(--target "$target")
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] && return 0
    if command -v rustup >/dev/null 2>&1 && timeout 120 rustup target add "$target" >/dev/null 2>&1; then
        return 0
    fi
    need_rust_src || return 1
    # Part of cargo for years, and not yet declared stable.
    export RUSTC_BOOTSTRAP=1
    TARGET_ARGS+=(-Zbuild-std)
}

# The sources of the standard library: rustup's, or those of exactly this version from Debian.
need_rust_src() {
    local sources version lists=$PWD/target/tools/rust-src
    sources=$(rustc --print sysroot)/lib/rustlib/src/rust
    [ -e "$sources/library/Cargo.lock" ] && return 0
    command -v rustup >/dev/null 2>&1 && timeout 120 rustup component add rust-src >/dev/null 2>&1 &&
        return 0
    command -v apt-get >/dev/null 2>&1 || return 1
    version=$(rustc --version | cut -d' ' -f2)
    say "Fetching the sources of Rust $version's standard library from Debian"
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
    echo "deb http://deb.debian.org/debian trixie-backports main" >"$lists/sources.list"
    (
        cd "$lists"
        options=(-qq -o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null
            -o "Dir::State::Lists=$lists/lists" -o "Dir::Cache=$lists/cache" -o APT::Sandbox::User=root)
        apt-get "${options[@]}" update
        package=$(apt-cache "${options[@]}" madison rust-src | cut -d'|' -f2 | tr -d ' ' | grep "^$version+" | head -n 1)
        [ -n "$package" ] && apt-get "${options[@]}" download "rust-src=$package"
        dpkg-deb -x rust-src_*.deb . && rm -f rust-src_*.deb
    ) || return 1
    mkdir -p "${sources%/*}"
    ln -sfn "$lists/usr/src/rustc-$version" "$sources"
}

# Wine, and beside the program FILE the one library that Debian's lacks, and stand-ins for other programs
# of Windows. Puts the program's path into MACHINE_WINDOWS_EXE, where the tests look for it.
need_wine() {
    local dir=target/tools/wine
    need_packages /usr/lib/wine/wine64=wine64 script=bsdutils
    mkdir -p "$dir"
    cp "$1" "$dir/machine.exe"
    x86_64-w64-mingw32-gcc -shared -O1 -o "$dir/bcryptprimitives.dll" \
        tests/support/wine/bcryptprimitives.c -ladvapi32
    x86_64-w64-mingw32-gcc -municode -O1 -Wall -Werror -o "$dir/programs.exe" tests/support/wine/programs.c
    export MACHINE_WINDOWS_EXE="$PWD/$dir/machine.exe"
}

# An EC2 by others, in a Python environment of its own. Without Python the tests say that it is missing.
need_moto() {
    local tools=target/tools/moto
    if [ ! -x "$tools/bin/moto_server" ]; then
        command -v python3 >/dev/null 2>&1 || return 0
        say "Installing moto"
        python3 -m venv "$tools" >/dev/null 2>&1 || return 0
        "$tools/bin/pip" install --quiet 'moto[server,ec2]==5.2.5' >/dev/null 2>&1 || return 0
    fi
    MACHINE_TEST_MOTO="$PWD/$tools/bin/moto_server"
    export MACHINE_TEST_MOTO
}

# Prism, which holds a vendor's description of its interface against what a fake cloud is asked and
# answers. From the npm registry; the tests say so where it is missing.
need_prism() {
    local tools=target/tools
    if [ ! -d "$tools/node_modules/@stoplight/prism-cli" ]; then
        command -v npm >/dev/null 2>&1 || return 0
        say "Installing Prism"
        npm install --silent --no-fund --no-audit --prefix "$tools" @stoplight/prism-cli@5.14.2 >/dev/null 2>&1 || return 0
    fi
    MACHINE_TEST_PRISM="$PWD/$tools/node_modules/@stoplight/prism-cli/dist/index.js"
    export MACHINE_TEST_PRISM
}
