#!/usr/bin/env bash
# The CUDA driver of Tests/CUDADriver, which interprets PTX on the CPU, without SwiftPM.
#
#   scripts/cuda-test-driver.sh OUT.so     builds it as a shared library: UD2M_CUDA_DRIVER=OUT.so ud2m …
#   scripts/cuda-test-driver.sh check      builds its own test and runs it
#   scripts/cuda-test-driver.sh sanitize   the same with the address and undefined-behaviour sanitizers
#   scripts/cuda-test-driver.sh load FILE.ptx…
#                                          reads PTX and says what the driver does not know, with line and text
#
# Needs the Swift toolchain's clang. CUDA_DRIVER_OBJECTS names another folder than .build/cuda-test-driver.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=${CUDA_DRIVER_OBJECTS:-.build/cuda-test-driver}
sources=Tests/CUDADriver

# The compiler that SwiftPM uses lies beside swift.
clang=clang
if command -v swift >/dev/null; then
    beside=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    if [[ -x $beside ]]; then clang=$beside; fi
fi
if ! command -v "$clang" >/dev/null; then
    echo 'clang is missing; on Debian: apt-get install --no-install-recommends clang' >&2
    exit 69
fi

# compile FOLDER SOURCE… -- FLAG…: those that are newer than their objects, or older than a header.
compile() {
    local folder=$1 source object
    shift
    local files=()
    while [[ $1 != -- ]]; do
        files+=("$1")
        shift
    done
    shift
    mkdir -p "$folder"
    for source in "${files[@]}"; do
        object=$folder/$(basename "$source").o
        if [[ -e $object && -z $(find "$source" "$sources" Sources/CUDA/include scripts/cuda-test-driver.sh \
            \( -name '*.h' -o -path "$source" -o -name '*.sh' \) -newer "$object") ]]; then
            continue
        fi
        local language=(-x c++ -std=c++17)
        if [[ $source == *.c ]]; then language=(-x c -std=c17); fi
        "$clang" "${language[@]}" -O2 -fPIC -Wall -Wextra -Werror -ISources/CUDA/include -I"$sources/include" \
            -I"$sources" "$@" -c "$source" -o "$object"
    done
}

link=(-lpthread)
if [[ $(uname) == Linux ]]; then link+=(-ldl -fuse-ld=lld); fi

# program NAME FLAG…: the test, linked with the driver.
program() {
    local name=$1
    shift
    compile "$objects/$name" "$sources"/*.cpp "$sources"/check/*.cpp Sources/CUDA/{driver,library,products}.c -- "$@"
    "$clang++" "$@" "$objects/$name"/*.o -o "$objects/$name/run" "${link[@]}"
}

case ${1:-} in
check)
    program check
    "$objects/check/run" "$sources/programs"
    ;;
sanitize)
    program sanitize -g -fsanitize=address,undefined -fno-sanitize-recover=all
    "$objects/sanitize/run" "$sources/programs"
    ;;
load)
    shift
    program check
    "$objects/check/run" load "$@"
    ;;
*.so)
    compile "$objects/library" "$sources"/*.cpp -- -fvisibility=hidden
    "$clang++" -shared "$objects"/library/*.o -o "$1" "${link[@]}"
    ;;
*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0" >&2
    exit 64
    ;;
esac
