# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the scripts that source this
# The Swift toolchain, Python environments, and building.

readonly oldest_swift=6.2

# The Swift version on PATH, or in the places where toolchains are put.
ensure_swift() {
    local directory version
    if ! have swift; then
        for directory in "${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}" /opt/swift/usr/bin /usr/libexec/swift/bin; do
            if [[ -x "$directory/swift" ]]; then
                export PATH="$directory:$PATH"
                break
            fi
        done
    fi
    have swift || die "no Swift toolchain was found on PATH." "Install Swift $oldest_swift or newer from https://www.swift.org/install and run this again."
    version="$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)+).*/\1/p' | head -n 1)"
    [[ -n "$version" ]] || die "'swift --version' did not say its version; the toolchain at $(command -v swift) seems broken."
    [[ "$(printf '%s\n' "$oldest_swift" "$version" | sort -V | head -n 1)" == "$oldest_swift" ]] \
        || die "Swift $version is too old: $oldest_swift or newer is needed." "Install it from https://www.swift.org/install and run this again."
    note "Swift $version ($(command -v swift))"
}

# A Python that can make virtual environments: the system's if it can, else the one on PATH.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 python3; do
        if have "$candidate" && "$candidate" -c 'import ensurepip, ssl, venv, zipfile' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    die "no Python with the venv module was found." "Install the packages python3 and python3-venv and run this again."
}

# ensure_venv NAME [REQUIREMENTS]: makes .cache/NAME once, and again when the requirements have changed.
ensure_venv() {
    local venv="$root/.cache/$1" requirements="${2:-/dev/null}" stamp python
    stamp="$venv/.complete"
    if [[ -x "$venv/bin/python" && -f "$stamp" ]] && cmp -s "$requirements" "$stamp" && "$venv/bin/python" -c '' 2>/dev/null; then
        return 0
    fi
    say "Making the Python environment .cache/$1"
    python="$(find_python)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    if [[ -s "$requirements" ]]; then "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"; fi
    cat "$requirements" >"$stamp"
}

build_programs() {
    local product
    for product in stellarchatd stellarchat; do
        say "Building $product (release)"
        swift build -c release --product "$product"
    done
}

# The page that the daemon serves. Its own script builds only what has changed.
build_frontend() {
    say "Building the web page"
    "$root/frontend/scripts/build"
}
