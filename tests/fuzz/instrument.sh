#!/bin/sh
# instrument.sh RUSTC ARGUMENT...: cargo's RUSTC_WRAPPER for scripts/fuzz.sh. Our crate and the parsers
# below it are compiled so that libFuzzer sees which of their branches ran and what they compared. The
# flags are stable ones; only sanitizers, which safe code needs least, would take a nightly compiler.
case " $* " in
  *" --crate-name flantune "* | *" --crate-name minijinja "* | *" --crate-name saphyr_parser "* | \
    *" --crate-name csv "* | *" --crate-name tokenizers "* | \
    *" --crate-name spm_precompiled "*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
      -Cllvm-args=-sanitizer-coverage-pc-table \
      -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"
