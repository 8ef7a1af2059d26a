#!/usr/bin/env bash
# Builds the libFuzzer targets of Fuzz/ and runs them.
#
#   scripts/fuzz.sh [seconds] [target …]     60 seconds and all targets unless told otherwise
#
# Prints one table line a target: seconds, executions, executions a second, edges and features reached, inputs kept,
# findings. Inputs found are kept in Fuzz/.build/corpus and used by the next run; findings are in Fuzz/.build/findings.
#
# FUZZ_ADDRESS=1    adds the address and leak sanitizers, which halves the speed and finds what Swift does not check.
# FUZZ_RUNS=5000000 goes on after the seconds are over until a target has had as many executions.
# FUZZ_JOBS=2       runs as many targets at a time. More than there are processors share them: the seconds are then
#                   those of the clock, and an input may take longer before it counts as a hang.
set -euo pipefail
cd "$(dirname "$0")/../Fuzz"

seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi
targets=("$@")
if ((${#targets[@]} == 0)); then
    targets=(json safetensors store npy zip pickle legacy checkpoint)
fi
wanted=${FUZZ_RUNS:-0}
jobs=${FUZZ_JOBS:-1}
timeout=10
if ((jobs > $(nproc))); then timeout=60; fi

# Optimised, since a fuzzer lives by its speed, but with the preconditions of a debug build: without them an
# UnsafeRawBufferPointer does not check its subscripts.
scratch=.build
sanitize=(--sanitize fuzzer)
if [[ ${FUZZ_ADDRESS:-0} == 1 ]]; then
    scratch=.build-address
    sanitize+=(--sanitize address)
fi
swift build -c release --scratch-path "$scratch" "${sanitize[@]}" -Xswiftc -assert-config -Xswiftc Debug >&2

# libFuzzer, not Swift's backtracer, has to see a trap, to save the input.
export SWIFT_BACKTRACE=enable=no
if [[ -d /dev/shm && -w /dev/shm ]]; then export TMPDIR=/dev/shm; fi

# Files that are inputs as they are.
fixtures() {
    local root=../Tests/Fixtures
    case $1 in
    npy) ls $root/checkpoints/*.npy ;;
    legacy) ls $root/checkpoints/legacy-*.pt $root/checkpoints/sharded-bin/*.bin ;;
    zip) ls $root/checkpoints/{zip,layout,package,script,export}*.pt* $root/checkpoints/*.npz $root/hostile/*.pt ;;
    checkpoint) find $root/checkpoints $root/safetensors $root/hostile -type f ! -name manifest.json ;;
    esac
}

# The last number after a word in a log, or nothing.
last() { grep -o "$1 *[0-9]*" "$2" | tail -n 1 | grep -o '[0-9]*$' || true; }

# Runs one target and leaves its table line in a file.
fuzz() {
    local target=$1 corpus=.build/corpus/$1 findings=.build/findings/$1 log=.build/$1.log
    local executions=0 begin=$SECONDS took file seeds=() status=0
    mkdir -p "$corpus" "$findings"
    while read -r file; do
        if (($(stat -c %s "$file") <= 16384)); then cp "$file" "$corpus/fixture-$(basename "$file")"; fi
    done < <(fixtures "$target")
    if [[ -d Corpus/$target ]]; then seeds=("Corpus/$target"); fi
    while ((status == 0 && (SECONDS - begin < seconds || executions < wanted))); do
        took=$((seconds - (SECONDS - begin)))
        # ignore_crashes needs fork mode; without it a run ends at its first finding, which is then fixed first.
        "$scratch/release/fuzz-$target" -max_total_time=$((took > 60 ? took : 60)) -timeout=$timeout \
            -rss_limit_mb=2048 -max_len=16384 -dict="Dictionaries/$target.dict" -artifact_prefix="$findings/" \
            -print_final_stats=1 "$corpus" ${seeds[@]+"${seeds[@]}"} >"$log" 2>&1 || status=1
        executions=$((executions + $(last 'number_of_executed_units:' "$log")))
    done
    took=$((SECONDS - begin))
    printf '| %s | %d | %d | %d | %s | %s | %d | %d |\n' "$target" "$took" "$executions" \
        $((executions / (took > 0 ? took : 1))) "$(last ' cov:' "$log")" "$(last ' ft:' "$log")" \
        "$(find "$corpus" -type f | wc -l)" "$(find "$findings" -type f | wc -l)" >".build/$target.line"
    return $status
}

printf '| target | seconds | executions | exec/s | edges | features | kept inputs | findings |\n'
printf '|---|---|---|---|---|---|---|---|\n'
status=0
running=0
for target in "${targets[@]}"; do
    rm -f ".build/$target.line"
    fuzz "$target" &
    running=$((running + 1))
    if ((running >= jobs)); then
        wait -n || status=1
        running=$((running - 1))
    fi
done
while ((running > 0)); do
    wait -n || status=1
    running=$((running - 1))
done
for target in "${targets[@]}"; do cat ".build/$target.line"; done
exit $status
