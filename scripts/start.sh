#!/usr/bin/env bash
# Sets up, builds the page and serves it, or builds the command line. Running it again is cheap.
#
# scripts/start.sh [--port N]    builds the page, serves it and prints its address, http://localhost:N/
# scripts/start.sh --native      builds the command line, says what to type next, and runs `flantune demo`
#
# The page needs Rust and Node.js 20 or newer; the rest (Rust's wasm32 target, wasm-bindgen, npm
# packages) is fetched the first time, which takes ten minutes with the build. Ctrl-C ends the
# server.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

main() {
  local native="" port=()
  while (($# > 0)); do
    case "$1" in
      --port)
        [[ "${2:-}" =~ ^[0-9]+$ ]] || fail "--port takes a number"
        port=(--port "$2")
        shift 2
        ;;
      --native)
        native=yes
        shift
        ;;
      -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        return
        ;;
      *) fail "unknown option $1: there are --port N and --native" ;;
    esac
  done
  if [[ -n "$native" ]]; then
    start_native
  else
    start_page "${port[@]}"
  fi
}

# start_page [--port N]
start_page() {
  need_page_tools
  need_wasm ci
  node web/build.mjs --wasm "$page_wasm" --notices
  node web/site.mjs --output "$FLANTUNE_ROOT/site" --no-compress
  say "The page is served from $FLANTUNE_ROOT/site until Ctrl-C. For the command line: scripts/start.sh --native"
  exec node scripts/serve.mjs site "$@"
}

start_native() {
  need_toolchain cargo cc
  say "building the command line (the first time takes minutes)"
  # As tests build it: optimised like a release, without its long link. All of the workspace decides the
  # features of its dependencies, so that tests find them built.
  cargo build --workspace --bin flantune --profile ci --locked
  next_steps "$target_native/ci/flantune"
  exec "$target_native/ci/flantune" demo
}

next_steps() {
  cat <<TEXT

Flantune is built: $1

    alias flantune=$1
    flantune doctor             # the devices that this machine has
    flantune train --help       # fine-tune, with examples
    flantune generate --help    # ask a model or an adapter
    flantune eval --help        # its loss and ROUGE on a data set

And now its demo, with the built-in model:

TEXT
}

main "$@"
