#!/usr/bin/env bash
# Kills runs of LoRA, prompt tuning and full training at random moments, resumes them, and compares
# the final bytes with those of runs that nobody killed. The tests do the same with fewer kills.
#
# scripts/kills.sh [KILLS]    for each method; 20 without it
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

need_toolchain cargo cc
export FLANTUNE_KILLS="${1:-20}"
# The whole workspace, so that dependencies are those that the tests have built already.
exec cargo test --workspace --profile ci --locked --test runs killed -- --nocapture
