#!/usr/bin/env bash
# Sets up what the tests need and runs all of them. See CONTRIBUTING.md.
#
# scripts/test.sh [TEXT...]    only the steps whose name contains one of the texts
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

# One profile for everything that is tested: dependencies are optimised, nothing waits for LTO.
profile=(--profile ci --locked)
wasm=("${profile[@]}" --target wasm32-unknown-unknown --target-dir "$target_wasm")
wasm_packages=(-p flantune -p flantune-wasm -p flantune-tests)
browser_wasm="$target_wasm/browser"
wanted=("$@")

main() {
  need_toolchain cargo rustup node npm cc
  # Not a step: whatever is missing ends the run here, because nothing after it would say more.
  printf '== set up\n'
  need_system_packages
  need_wasm_target
  need_crates
  need_wasm_bindgen
  need_cargo_deny
  need_advisories
  need_node_modules web
  need_node_modules tests/browser
  make_real_model
  took "set up" 0 0

  step "format" cargo fmt --all --check
  step "licences, bans, sources" cargo deny --offline check licenses bans sources
  [[ -n "$no_advisories" ]] || step "advisories" cargo deny --offline check advisories
  step "clippy" cargo clippy --workspace --all-targets "${profile[@]}" -- -D warnings
  step "clippy, wasm32" cargo clippy "${wasm_packages[@]}" "${wasm[@]}" -- -D warnings
  step "native tests" cargo test --workspace --no-fail-fast "${profile[@]}"
  step "build for the browser" build_browser_tests
  step "browser tests" node tests/browser/run.mjs --wasm "$browser_wasm" --limit 900
  step "lint of the page" npm run --prefix web --silent lint
  step "types of the page" npm run --prefix web --silent check
  step "the page's worker" npm test --prefix web --silent
  step "build the page, its size" build_page
  [[ -n "${FLANTUNE_SLOW:-}" ]] ||
    printf '\nskipped, because it takes many minutes: the page test with the tag @slow, of the real model (FLANTUNE_SLOW=1)\n'
  # The command line gives the numbers that the page is held against.
  step "page tests" env FLANTUNE="$target_native/ci/flantune" npm run --prefix tests/browser --silent page
  summary
}

# A cdylib only here: natively it would be one more slow link that nobody loads.
build_browser_tests() {
  rm -rf "$browser_wasm" # or a failed build would test what the last one left
  cargo rustc -p flantune-tests --lib --crate-type cdylib "${wasm[@]}"
  wasm-bindgen --target web --no-typescript --out-dir "$browser_wasm" \
    "$target_wasm/wasm32-unknown-unknown/ci/flantune_tests.wasm"
}

# As scripts/start.sh does, without the long link of a release: the module is larger by that.
build_page() {
  rm -rf web/dist
  need_wasm ci
  node web/build.mjs --wasm "$page_wasm" --notices --report --module-budget 4.5
}

failed=()
lines=()

# step NAME COMMAND...: runs it, and goes on if it failed: the summary names all that is wrong at once.
step() {
  local name="$1" start=$SECONDS status
  shift
  is_wanted "$name" || return 0
  printf '\n== %s\n' "$name"
  # In a subshell of its own, outside any condition: in one, `set -e` would be off.
  set +e
  (set -e && "$@")
  status=$?
  set -e
  took "$name" "$start" "$status"
}

is_wanted() {
  local text
  ((${#wanted[@]} > 0)) || return 0
  for text in "${wanted[@]}"; do [[ "$1" != *"$text"* ]] || return 0; done
  return 1
}

# took NAME START STATUS: a line of the summary.
took() {
  local word=ok
  (($3 == 0)) || { word=FAILED && failed+=("$1"); }
  lines+=("$(printf '%-26s %5d s  %s' "$1" $((SECONDS - $2)) "$word")")
  printf '%s\n' "${lines[-1]}"
}

summary() {
  printf '\n== summary, %d s\n' "$SECONDS"
  printf '%s\n' "${lines[@]}"
  [[ -z "$no_advisories" ]] || printf 'SKIPPED: known faults of the crates: %s\n' "$no_advisories"
  [[ -z "$no_real_model" ]] || printf 'SKIPPED: all that needs the real model: %s\n' "$no_real_model"
  if ((${#failed[@]} > 0)); then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
  fi
}

main
