#!/usr/bin/env bash
# Makes the archives of a release: for each Linux target that can be built here, the stripped program
# with its documents, man pages and completions, and SHA256SUMS. The same program and commit give the
# same bytes. A target whose compiler or linker is missing is named, and the others go on.
#
# scripts/release.sh [--output DIR] [TARGET...]
# scripts/release.sh --npm [--budget MB] [--output DIR]
#
# DIR is dist without --output; targets are x86_64-unknown-linux-gnu and aarch64-unknown-linux-gnu. With
# --npm it makes the package for npm instead, in the same folder: `npm publish DIR/flantune-VERSION.tgz`.
# It may have 12 MB; the tests' own module, which is not made small, needs another budget.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$FLANTUNE_ROOT"

# What every Debian has, since its own shell needs it: glibc, and the compiler's run-time library.
allowed='^(ld-linux-.*|lib(c|m|dl|rt|pthread|gcc_s))\.so\.[0-9]+$'
host="$(rustc -vV 2>/dev/null | awk '$1 == "host:" { print $2 }')"
commit_time="$(git log -1 --format=%ct)"
version="$(locked_version flantune-cli)"
program=""
missing=()
# What the tarball may have at most, in MB.
package_budget=12

main() {
  local output=dist target targets=() npm=""
  while (($# > 0)); do
    case "$1" in
      --output)
        output="${2:?--output takes a directory}"
        shift 2
        ;;
      --budget)
        package_budget="${2:?--budget takes a number of MB}"
        shift 2
        ;;
      --npm)
        npm=yes
        shift
        ;;
      -h | --help)
        sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        return
        ;;
      -*) fail "unknown option $1: there are --output DIR, and --npm with --budget MB" ;;
      *)
        targets+=("$1")
        shift
        ;;
    esac
  done
  if [[ -n "$npm" ]]; then
    ((${#targets[@]} == 0)) || fail "--npm takes no target: the package is the same for all"
    package "$output"
    return
  fi
  ((${#targets[@]} > 0)) || targets=(x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu)
  need_toolchain cargo cc git gzip readelf sha256sum tar
  mkdir -p "$output"
  rm -f "$output"/flantune-*.tar.gz "$output/SHA256SUMS"
  # The host's first: its program writes the pages and completions of all.
  for target in "$host" "${targets[@]}"; do
    [[ " ${targets[*]} " == *" $target "* && ! -f "$output/$(name_of "$target").tar.gz" ]] || continue
    release "$target" "$output"
  done
  (cd "$output" && compgen -G 'flantune-*.tar.gz' >/dev/null && sha256sum flantune-*.tar.gz | tee SHA256SUMS) ||
    fail "no archive was made"
  for target in "${missing[@]}"; do say "missing: $target"; done
}

# package DIR: the tarball for npm, of a page that is built anew.
package() {
  local output tarball bytes
  mkdir -p "$1"
  output="$(cd "$1" && pwd)"
  need_page_tools
  need_wasm page
  node web/build.mjs --wasm "$page_wasm" --notices >&2
  rm -f "$output"/flantune-*.tgz
  tarball="$output/$(cd web && npm pack --silent --pack-destination "$output")"
  bytes="$(stat -c %s "$tarball")"
  ((bytes < package_budget * 1000000)) || fail "$tarball has $bytes bytes, and may have $package_budget MB"
  say "$tarball: $bytes bytes"
}

name_of() { printf 'flantune-%s-%s' "$version" "$1"; }

# release TARGET DIR
release() {
  local target="$1" output="$2" name folder
  build "$target" || return 0
  check_links "$target"
  name="$(name_of "$target")"
  folder="$(mktemp -d)"
  install -Dm755 "$program" "$folder/$name/flantune"
  install -m644 README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE "$folder/$name"
  third_party "$target" >"$folder/$name/LICENSES-OF-DEPENDENCIES.txt"
  if [[ "$target" == "$host" ]]; then
    run_bare "$program"
    pages="$(mktemp -d)"
    write_pages "$program" "$pages"
  fi
  [[ -z "${pages:-}" ]] || cp -r "$pages/." "$folder/$name"
  tar --create --directory "$folder" --sort=name --format=ustar --mtime="@$commit_time" \
    --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r,go-w,a+X' "$name" |
    gzip -n -9 >"$output/$name.tar.gz"
  rm -rf "$folder"
}

# build TARGET: sets `program`, or notes what is missing and fails.
build() {
  local target="$1" linker
  if [[ "$target" == "$host" ]]; then
    cargo build --release --locked -p flantune-cli
    program="$target_native/release/flantune"
    return
  fi
  linker="${target%%-*}-linux-gnu-gcc"
  if ! rustup target list --installed 2>/dev/null | grep -qx "$target"; then
    missing+=("$target: its standard library (rustup target add $target)")
    return 1
  fi
  if ! have "$linker"; then
    missing+=("$target: the linker $linker (Debian's gcc-${target%%-*}-linux-gnu)")
    return 1
  fi
  local variable="CARGO_TARGET_${target//-/_}_LINKER"
  env "${variable^^}=$linker" "CC_${target//-/_}=$linker" \
    cargo build --release --locked -p flantune-cli --target "$target"
  program="$target_native/$target/release/flantune"
}

# check_links TARGET: the program loads nothing but glibc, and says which one it needs at least.
check_links() {
  local library others=()
  while read -r library; do
    [[ "$library" =~ $allowed ]] || others+=("$library")
  done < <(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  ((${#others[@]} == 0)) || fail "$1: the program needs ${others[*]}, which a bare system does not have"
  say "$1: needs glibc $(readelf -V "$program" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n1 | sed 's/GLIBC_//') or newer, and no other library"
}

# run_bare PROGRAM: starts where there is no driver, and no file but the program's own libraries.
run_bare() {
  local root bare=() library devices
  root="$(mktemp -d)"
  install -Dm755 "$1" "$root/flantune"
  while read -r library; do
    install -Dm755 "$library" "$root/$library"
  done < <(ldd "$1" | grep -o '/[^ ]*')
  if ((EUID == 0)); then
    bare=(chroot "$root")
  elif unshare --map-root-user true 2>/dev/null; then
    bare=(unshare --map-root-user chroot "$root")
  else
    missing+=("$host: not tried on a bare system (neither root nor user namespaces)")
  fi
  if ((${#bare[@]} > 0)); then
    devices="$(env -i PATH="$PATH" "${bare[@]}" /flantune doctor --json)" ||
      fail "the program does not run on a bare system"
    [[ "$devices" == *'"kind":"cpu"'* && "$devices" != *'"kind":"webgpu"'* ]] ||
      fail "on a bare system, expected the device cpu alone, found $devices"
    say "$host: runs without drivers, on cpu"
  fi
  rm -rf "$root"
}

# write_pages PROGRAM DIR: what the program tells about itself.
write_pages() {
  local shell file
  mkdir -p "$2/completions" "$2/man/man1"
  for shell in bash:flantune.bash zsh:_flantune fish:flantune.fish powershell:_flantune.ps1; do
    file="$2/completions/${shell#*:}"
    "$1" completions "${shell%%:*}" >"$file" 2>/dev/null || rm -f "$file"
  done
  "$1" man --output "$2/man/man1" >/dev/null 2>&1 || rm -f "$2"/man/man1/*
  find "$2" -mindepth 1 -depth -type d -empty -delete
  [[ -d "$2/completions" ]] || missing+=("completions: this program has no command \`completions\`")
  [[ -d "$2/man" ]] || missing+=("man pages: this program has no command \`man\`")
}

# third_party TARGET: the licence of each crate in the program, each text once.
third_party() {
  local package licence folder file hash sources="${CARGO_HOME:-$HOME/.cargo}/registry/src"
  local -A crates=() texts=()
  while read -r package licence; do
    printf '%s: %s\n' "$package" "$licence"
    for folder in "$sources"/*/"$package"; do
      for file in "$folder"/{LICEN[CS]E,COPYING,NOTICE,licen[cs]e}*; do
        [[ -f "$file" ]] || continue
        hash="$(sha256sum <"$file")"
        crates[$hash]+=" $package"
        texts[$hash]="$file"
      done
    done
  done < <(cargo tree --locked -p flantune-cli --target "$1" -e normal,no-proc-macro --prefix none --format '{p} {l}' |
    sed -n 's/^\([^ ]*\) v\([^ ]*\) \([^(].*\)$/\1-\2 \3/p' | LC_ALL=C sort -u)
  for hash in $(printf '%s\n' "${!crates[@]}" | sed 's/ .*//' | LC_ALL=C sort); do
    printf '\n%s\n\n' "----------------------------------------------------------------------"
    printf '%s\n\n' "${crates["$hash  -"]# }"
    cat "${texts["$hash  -"]}"
  done
}

main "$@"
