#!/usr/bin/env bash
# Builds the projects of web/examples as their readers would, with the package that npm would give them,
# serves each, and trains five steps in it, in Chromium. Packages come from npm, so the tests that run
# without the network only build some of them.
#
# scripts/examples.sh [NAME...]     (after scripts/start.sh or test.sh has built web/dist)
#
# NAME is a folder of web/examples with a package.json; without one all of them are tried. Versions are
# those of their package.json, and are printed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

main() {
  local name names=("$@") failed=()
  need_toolchain node npm
  have_chromium || fail "Chromium is missing: CHROMIUM names it"
  need_node_modules tests/browser
  [[ -f web/dist/THIRD-PARTY.txt ]] || fail "web/dist is not built: scripts/start.sh builds it, or scripts/test.sh 'build the page'"
  ((${#names[@]} > 0)) || mapfile -t names < <(cd web/examples && printf '%s\n' */package.json | cut -d/ -f1)
  for name in "${names[@]}"; do
    [[ -f "web/examples/$name/package.json" ]] || fail "there is no example $name with a package.json"
  done
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  tarball="$work/$(cd web && npm pack --silent --pack-destination "$work")"
  for name in "${names[@]}"; do
    try "$name" || failed+=("$name")
  done
  ((${#failed[@]} == 0)) || fail "failed: ${failed[*]}"
}

# try NAME: installs, checks the types where there are any, builds, serves, trains.
try() {
  local folder="$work/$1" built=""
  cp -r "web/examples/$1" "$folder"
  printf '\n== %s: %s\n' "$1" "$(versions "$folder")"
  (
    cd "$folder"
    npm install --no-audit --no-fund --no-save --loglevel=error "$tarball" || exit
    npm run --silent --if-present check || exit
    npm run --silent build
  ) || return
  for built in out dist public; do [[ ! -d "$folder/$built" ]] || break; done
  node tests/browser/five-steps.mjs "$folder/$built"
}

# versions FOLDER: what its package.json asks for, but for Flantune.
versions() {
  node -p 'const { dependencies, devDependencies } = require(process.argv[1] + "/package.json");
    Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) => name !== "flantune").map((pair) => pair.join(" ")).join(", ")' "$1"
}

main "$@"
