#!/usr/bin/env bash
# Builds the C kernels with the harness of Tools/kernels, without SwiftPM, and runs it.
#
#   scripts/kernels.sh check [text]        every case (whose name has the text), on every tier of this machine; then again
#                                          with outputs of any size stored past the caches, as large ones are
#   scripts/kernels.sh fuzz [seconds]      random shapes, 60 seconds unless told otherwise; KERNELS_SEED=1 chooses them
#   scripts/kernels.sh bench [text]        times layers of real networks
#   scripts/kernels.sh instructions [--update]
#                                          counts instructions of small cases with callgrind and compares them with
#                                          Benchmarks/instructions.txt; 2 % more is an error. --update rewrites the file
#   scripts/kernels.sh neon [seconds]      check and fuzz for arm64, under qemu where this is another processor
#   scripts/kernels.sh sanitize [seconds]  check and fuzz with the address and undefined-behaviour sanitizers
#
# Needs the Swift toolchain's clang; `instructions` needs valgrind, and `neon` on x86 needs the Debian packages
# gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."

out=.build/kernels
counts=Benchmarks/instructions.txt
# Outputs from so many bytes on go past the caches.
past_caches=-DUD2M_BYTES_PAST_CACHES=1
# Case, algorithm. The first shares out blocks of tiles, the second groups of outputs.
counted='3x3-64-64x64 f4
3x3-256-8x8 f4
attention-2x64-256 direct'

say() { printf '%s\n' "$*" >&2; }

need() {
    if ! command -v "$1" >/dev/null; then
        say "$1 is missing; on Debian: apt-get install --no-install-recommends $2"
        exit 69
    fi
}

# The compiler that SwiftPM uses lies beside swift.
clang=clang
if command -v swift >/dev/null; then
    beside=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    if [[ -x $beside ]]; then clang=$beside; fi
fi
need "$clang" clang

# build NAME FLAG…: compiles into $out/NAME unless it is newer than every source.
build() {
    local program=$out/$1 source
    shift
    if [[ -x $program && -z $(find Sources/Kernels Tools/kernels scripts/kernels.sh -newer "$program" -type f) ]]; then
        return
    fi
    local objects=$program.objects
    rm -rf "$objects"
    mkdir -p "$objects"
    for source in Sources/Kernels/*.c Sources/Kernels/tiers/*.c Tools/kernels/*.c; do
        "$clang" -std=c17 -O2 -Wall -Wextra -Werror -ISources/Kernels/include -ITools/kernels/include "$@" \
            -c "$source" -o "$objects/$(basename "$(dirname "$source")")-$(basename "$source" .c).o"
    done
    local link=(-lpthread -lm)
    if [[ $(uname) == Linux ]]; then link+=(-fuse-ld=lld); fi
    if [[ " $* " == *' --target='* ]]; then link+=(-static); fi
    "$clang" "$@" "$objects"/*.o -o "$program" "${link[@]}"
}

# Instructions inside the kernel call of one case.
count() {
    UD2M_ISA=avx2 valgrind --tool=callgrind --collect-atstart=no --toggle-collect=ud2m_counted_run \
        --callgrind-out-file=/dev/null "$out/kernels" once "$@" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

instructions() {
    need valgrind valgrind
    build kernels
    local new=$out/instructions.txt name algorithm number before status=0
    {
        echo '# Instructions of one kernel call: AVX2, one thread, callgrind. Made by: scripts/kernels.sh instructions --update'
        echo "# $("$clang" --version | head -n 1)"
    } >"$new"
    while read -r name algorithm; do
        number=$(count "$name" "$algorithm" || true)
        if [[ ! $number =~ ^[1-9][0-9]*$ ]]; then
            say "$name: nothing was counted (valgrind must run AVX2 here)"
            exit 1
        fi
        printf '%s %s %s\n' "$name" "$algorithm" "$number" >>"$new"
    done <<<"$counted"
    if [[ ${1:-} == --update ]]; then
        cp "$new" "$counts"
        cat "$counts"
        return
    fi
    if ! diff <(sed -n 2p "$new") <(sed -n 2p "$counts") >/dev/null; then
        say "note: another compiler made $counts; its counts may differ for that reason"
    fi
    while read -r name algorithm number; do
        before=$(awk -v name="$name" -v how="$algorithm" '$1 == name && $2 == how { print $3 }' "$counts")
        if [[ -z $before ]]; then
            say "$name $algorithm: not in $counts"
            status=1
        elif ((number * 100 > before * 102)); then
            say "$name $algorithm: $number instructions, $before before: a regression"
            status=1
        else
            printf '%s %s: %s instructions, %s before\n' "$name" "$algorithm" "$number" "$before"
        fi
    done < <(grep -v '^#' "$new")
    return $status
}

# The matrix kernel of arm64 must not spill: its loop holds 24 sums and 4 weights in 32 registers.
keeps_sums_in_registers() {
    local dump=${clang%clang}llvm-objdump code
    if ! command -v "$dump" >/dev/null; then return; fi
    code=$("$dump" -d --disassemble-symbols=gemm_6x1,_gemm_6x1 "$1.objects/tiers-neon.o")
    if ! grep -q fmla <<<"$code"; then
        say 'the NEON matrix kernel has no fused multiply-adds'
        exit 1
    fi
    if grep -qE '[[:space:]](str|stp|ldr|ldp)[[:space:]]+q[0-9]+,.*\[sp' <<<"$code"; then
        say 'the NEON matrix kernel spills sums to the stack'
        exit 1
    fi
}

neon() {
    local run=()
    if [[ $(uname -m) =~ ^(aarch64|arm64)$ ]]; then
        build kernels
        run=("$out/kernels")
    else
        need aarch64-linux-gnu-gcc 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
        need qemu-aarch64 qemu-user
        build kernels-arm64 --target=aarch64-linux-gnu
        run=(qemu-aarch64 "$out/kernels-arm64")
        say 'arm64 under qemu-user: this shows results, not speed'
    fi
    keeps_sums_in_registers "${run[@]: -1}"
    "${run[@]}" check
    "${run[@]}" fuzz --seed "${KERNELS_SEED:-1}" --seconds "${1:-60}"
}

sanitize() {
    local flags=(-g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    build kernels-sanitize "${flags[@]}"
    build kernels-sanitize-past-caches "${flags[@]}" "$past_caches"
    export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
    "$out/kernels-sanitize" check
    "$out/kernels-sanitize-past-caches" check --filter 3x3
    "$out/kernels-sanitize" fuzz --seed "${KERNELS_SEED:-1}" --seconds "${1:-60}"
}

command=${1:-}
shift || true
case $command in
check)
    build kernels
    build kernels-past-caches "$past_caches"
    "$out/kernels" check --filter "${1:-}"
    say 'and with every output stored past the caches'
    "$out/kernels-past-caches" check --filter "${1:-}"
    ;;
fuzz)
    build kernels
    "$out/kernels" fuzz --seed "${KERNELS_SEED:-1}" --seconds "${1:-60}"
    ;;
bench)
    build kernels
    "$out/kernels" bench --filter "${1:-}"
    ;;
instructions) instructions "$@" ;;
neon) neon "$@" ;;
sanitize) sanitize "$@" ;;
*)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
esac
