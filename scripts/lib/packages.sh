# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the scripts that source this
# Debian packages: what is needed for what, and installing what is missing.

# OpenBLAS provides the generic BLAS that the program links; with the reference implementation alone everything works, slowly.
build_packages=(libblas-dev liblapacke-dev libopenblas-dev libsqlite3-dev zlib1g-dev)
python_packages=(python3 python3-venv)
frontend_packages=(nodejs esbuild node-react node-react-dom node-typescript node-marked node-highlight.js katex libjs-katex)
client_packages=(curl)
# On Ubuntu the browser is a snap, which can't be counted on: there the browser tests run only if one is already there.
browser_packages=(chromium chromium-driver)

distribution() { (. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${ID_LIKE:-}") || echo unknown; }
is_debian_like() { have dpkg-query && have apt-get && [[ " $(distribution) " =~ \ (debian|ubuntu)\  ]]; }
is_ubuntu() { [[ " $(distribution) " == *" ubuntu "* ]]; }

is_installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

# The prefix that runs a command as root without asking: empty for root itself, "sudo -n" where that works, else fails.
root_prefix() {
    if ((EUID == 0)); then return 0; fi
    have sudo && sudo -n true 2>/dev/null && echo "sudo -n"
}

# ensure_packages NAME…: installs those that are missing, or says how and stops.
ensure_packages() {
    if ! is_debian_like; then
        note "not Debian or Ubuntu: make sure that the equivalents of these packages are installed: $*"
        return 0
    fi
    local package missing=()
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    if ((${#missing[@]} == 0)); then return 0; fi

    local prefix
    if ! prefix="$(root_prefix)"; then
        die "these packages are missing: ${missing[*]}" "install them and run this again:" \
            "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    fi
    say "Installing ${missing[*]}"
    # shellcheck disable=SC2086 # the prefix is empty or two words
    install_packages $prefix -- "${missing[@]}"
}

install_packages() {
    local prefix=()
    while [[ "$1" != -- ]]; do
        prefix+=("$1")
        shift
    done
    shift
    local apt=("${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q)
    "${apt[@]}" update || note "the package lists could not be refreshed; trying with those at hand"
    "${apt[@]}" install -y --no-install-recommends "$@" || die "apt-get could not install: $*"
}

# Prometheus' checker of metrics, taken out of its package without installing it: the package would start a service.
ensure_promtool() {
    if have promtool; then return 0; fi
    export PATH="$root/.cache/promtool/usr/bin:$PATH"
    if have promtool; then return 0; fi
    is_debian_like || return 0
    say "Fetching promtool"
    local directory
    directory="$(mktemp -d "$root/.cache/promtool.XXXXXX")"
    if (cd "$directory" && download_package prometheus && dpkg-deb -x prometheus_*.deb .); then
        rm -rf "$root/.cache/promtool"
        mv "$directory" "$root/.cache/promtool"
    else
        rm -rf "$directory"
        note "the package prometheus could not be fetched: the check of the metrics' format will be skipped"
    fi
}

# download_package NAME: its file in the working directory; with newer package lists if those at hand do not do.
download_package() {
    local prefix
    apt-get -qq download "$1" 2>/dev/null && return
    prefix="$(root_prefix)" || return 1
    # shellcheck disable=SC2086 # the prefix is empty or two words
    $prefix apt-get -qq update && apt-get -qq download "$1"
}
