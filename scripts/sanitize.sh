#!/usr/bin/env bash
# Builds the toolkit with the address and undefined-behaviour sanitizers and runs the tests that reach its C and C++:
# the kernels, the Fourier transforms and the image codecs.
#
#   scripts/sanitize.sh [filter]      a regular expression over test names, for `swift test --filter`
#
# Any report of a sanitizer ends the run with an error. Leaks are not counted: Swift's runtime keeps metadata for ever.
set -euo pipefail
cd "$(dirname "$0")/.."

# Swift has no undefined-behaviour sanitizer on Linux, so only the C compiler is told; its runtime is part of the address
# sanitizer's, but for the C++ type check, which is left out.
filter=${1:-'UD2MRuntimeTests|UD2MSamplerTests|UD2MImagingTests'}
scratch=.build-sanitize
flags=(-c release --scratch-path "$scratch" --sanitize address
    -Xcc -fsanitize=undefined -Xcc -fno-sanitize=vptr -Xcc -fno-sanitize-recover=all -Xcc -fno-omit-frame-pointer)

swift build "${flags[@]}" --build-tests >&2

# A build whose C code was not instrumented would pass for the wrong reason.
# (grep reads to the end: one that stops early would end nm by a signal, which pipefail counts as failure.)
for object in $(find "$scratch" -path '*CUD2M*.build*' -name '*.o' | sort); do
    if ! nm "$object" | grep '__asan_' >/dev/null; then
        echo "not instrumented: $object" >&2
        exit 1
    fi
done
if ! find "$scratch" -path '*CUD2M*.build*' -name '*.o' -exec nm {} + | grep '__ubsan_' >/dev/null; then
    echo "no object is instrumented for undefined behaviour" >&2
    exit 1
fi

export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
swift test "${flags[@]}" --skip-build --filter "$filter"
