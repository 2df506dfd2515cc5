#!/usr/bin/env bash
# Writes the whole static site, for any path of any host: the page, its engine and models, examples,
# the licences of all that is in it. Copy the directory to a web server as it is.
#
# scripts/site.sh [--output DIR] [--hub URL] [--optimize]
#
# DIR is site without --output. --hub names where models of a hub are asked for, such as a school's
# mirror of https://huggingface.co. --optimize runs wasm-opt over the module, for ten minutes: a fifth
# smaller as it lies on disk, for hosts that do not compress, but no smaller over the wire where they do.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

main() {
  local output=site hub=() optimize="" wasm
  while (($# > 0)); do
    case "$1" in
      --output)
        output="${2:?--output takes a directory}"
        shift 2
        ;;
      --hub)
        hub=(--hub "${2:?--hub takes an address}")
        shift 2
        ;;
      --optimize)
        optimize=yes
        shift
        ;;
      -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        return
        ;;
      *) fail "unknown option $1: there are --output DIR, --hub URL and --optimize" ;;
    esac
  done
  [[ "$output" == /* ]] || output="$PWD/$output"
  cd "$FLANTUNE_ROOT"
  need_page_tools
  need_wasm page
  wasm="$page_wasm"
  if [[ -n "$optimize" ]]; then
    need_wasm_opt
    wasm="$page_wasm-optimized"
    optimize_wasm "$page_wasm" "$wasm"
  fi
  node web/build.mjs --wasm "$wasm" --notices
  say "compressing, and measuring what a visitor's first load weighs"
  node web/site.mjs --output "$output" "${hub[@]}"
  say "The site is in $output. To look at it: node scripts/serve.mjs $output"
}

main "$@"
