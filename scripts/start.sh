#!/usr/bin/env bash
# Builds Flantune and says what to type next.
#
# scripts/start.sh [--port N]    (the port is for the page, which does not exist yet)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

main() {
  while (($# > 0)); do
    case "$1" in
      --port)
        [[ "${2:-}" =~ ^[0-9]+$ ]] || fail "--port takes a number"
        say "there is no page yet: --port is not used"
        shift 2
        ;;
      -h | --help)
        sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        return
        ;;
      *) fail "unknown option $1: there is --port N" ;;
    esac
  done
  need_toolchain cargo cc
  say "building the command line (the first time takes a quarter of an hour)"
  cargo build --release --locked -p flantune-cli
  next_steps "$target_native/release/flantune"
}

next_steps() {
  cat <<TEXT

Flantune is built: $1

    alias flantune=$1
    flantune doctor             # the devices that this machine has
    flantune train --help       # fine-tune, with examples
    flantune generate --help    # ask a model or an adapter
    flantune eval --help        # its loss and ROUGE on a data set
TEXT
}

main "$@"
