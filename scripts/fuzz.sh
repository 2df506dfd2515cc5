#!/usr/bin/env bash
# Looks for files that make a parser panic, overflow, hang, or take memory out of all proportion:
# libFuzzer on the targets of tests/fuzz, with the stable compiler. It keeps what it has learnt in
# $FLANTUNE_CACHE/fuzz/TARGET/corpus, and what is wrong, by its hash, in .../TARGET/finds.
#
# scripts/fuzz.sh [MINUTES] [TARGET...]    each target so long; a minute, and all of them, without
# scripts/fuzz.sh again TARGET FILE        one input once more, such as a find
#
# FLANTUNE_FUZZ_SEED=N draws the same inputs again, for the same build and corpus.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

work="$FLANTUNE_CACHE/fuzz"
# The parsers below ours that are compiled so that libFuzzer sees them.
below=(minijinja saphyr-parser csv tokenizers spm_precompiled)

main() {
  local minutes=1 target targets=() wrong=()
  [[ "${1:-}" != -h && "${1:-}" != --help ]] || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && return; }
  need_toolchain cargo cc c++
  build
  if [[ "${1:-}" == again ]]; then
    (($# == 3)) || fail "expected: again TARGET FILE"
    FLANTUNE_FUZZ="$2" exec "$target_native/ci/fuzz" "$3"
  fi
  if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
    minutes="$1"
    shift
  fi
  mapfile -t targets < <(FLANTUNE_FUZZ="seeds $work" "$target_native/ci/fuzz")
  for target in "$@"; do
    [[ " ${targets[*]} " == *" $target "* ]] || fail "no target $target: there are ${targets[*]}"
  done
  (($# == 0)) || targets=("$@")
  for target in "${targets[@]}"; do
    run_target "$target" "$minutes" || wrong+=("$target")
  done
  ((${#wrong[@]} == 0)) || fail "finds in ${wrong[*]}: see $work/TARGET/finds, and the log there"
}

build() {
  # Ours stops at an overflow, since numbers from files become sizes; theirs wraps, as it does in what is
  # shipped. A setting of its own keeps each apart from what other builds share.
  local package apart=(--config 'profile.ci.package.flantune.overflow-checks=true')
  for package in "${below[@]}"; do
    apart+=(--config "profile.ci.package.$package.codegen-units=8")
  done
  # The whole workspace, so that dependencies are those that the tests have built already.
  RUSTC_WRAPPER="$FLANTUNE_ROOT/tests/fuzz/instrument.sh" cargo build --profile ci --locked --workspace \
    --features flantune-fuzz/libfuzzer --bin fuzz "${apart[@]}"
}

# run_target NAME MINUTES: until the time is over, or something is wrong.
run_target() {
  local folder="$work/$1" log="$work/$1/log"
  mkdir -p "$folder/corpus" "$folder/finds"
  printf '%-18s' "$1"
  if FLANTUNE_FUZZ="$1" "$target_native/ci/fuzz" "$folder/corpus" "$folder/seeds" \
    -artifact_prefix="$folder/finds/" -max_total_time=$(($2 * 60)) -max_len=65536 -timeout=10 \
    -rss_limit_mb=4096 -print_final_stats=1 ${FLANTUNE_FUZZ_SEED:+-seed="$FLANTUNE_FUZZ_SEED"} \
    >"$log" 2>&1; then
    awk '/^stat::number_of_executed_units/ { inputs = $2 } /cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
      END { printf "%10d inputs, %6d edges\n", inputs, edges }' "$log"
  else
    printf 'FOUND: %s\n' "$(grep -m1 -E 'panicked at|ERROR: libFuzzer|SUMMARY' "$log" || true)"
    return 1
  fi
}

main "$@"
