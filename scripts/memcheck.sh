#!/usr/bin/env bash
# Runs the operations of the processor, all of our code that is unsafe, under valgrind: every read of memory
# that nobody has written, and every access beyond its end, is an error. Minutes; by hand.
#
# scripts/memcheck.sh [CHECK]    the checks whose names begin so; `operations/` without it
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

need_toolchain cargo cc valgrind
export FLANTUNE_ONLY="${1:-operations/}"
# The whole workspace, so that dependencies are those that the tests have built already.
test="$(cargo test --workspace --profile ci --locked --test oracles --no-run --message-format short 2>&1 |
  sed -n 's/.*oracles.rs (\(.*\)).*/\1/p')"
# A processor's widest vectors are beyond what valgrind knows: it shows the program a plainer one.
exec valgrind --error-exitcode=9 --errors-for-leak-kinds=none --fair-sched=yes "$test" on_the_cpu --nocapture
