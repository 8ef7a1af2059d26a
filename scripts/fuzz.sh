#!/usr/bin/env bash
# Builds the libFuzzer targets of Fuzz/ and runs them one after the other.
#
#   scripts/fuzz.sh [seconds] [target …]     60 seconds and all targets unless told otherwise
#
# Prints one table line a target: executions, executions a second, edges and features reached, inputs kept, findings.
# Inputs found are kept in Fuzz/.build/corpus and used by the next run; findings are in Fuzz/.build/findings.
# FUZZ_ADDRESS=1 adds the address and leak sanitizers, which halves the speed and finds what Swift does not check.
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

printf '| target | seconds | executions | exec/s | edges | features | kept inputs | findings |\n'
printf '|---|---|---|---|---|---|---|---|\n'
status=0
for target in "${targets[@]}"; do
    corpus=.build/corpus/$target
    findings=.build/findings/$target
    log=.build/$target.log
    mkdir -p "$corpus" "$findings"
    while read -r file; do
        if (($(stat -c %s "$file") <= 16384)); then cp "$file" "$corpus/fixture-$(basename "$file")"; fi
    done < <(fixtures "$target")
    seeds=()
    if [[ -d Corpus/$target ]]; then seeds=("Corpus/$target"); fi
    begin=$SECONDS
    # ignore_crashes needs fork mode; without it a run ends at its first finding, which is then fixed first.
    "$scratch/release/fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
        -dict="Dictionaries/$target.dict" -artifact_prefix="$findings/" -print_final_stats=1 \
        "$corpus" ${seeds[@]+"${seeds[@]}"} >"$log" 2>&1 || status=1
    took=$((SECONDS - begin))
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    edges=$(grep -o ' cov: [0-9]*' "$log" | tail -n 1 | grep -o '[0-9]*' || echo '?')
    features=$(grep -o ' ft: [0-9]*' "$log" | tail -n 1 | grep -o '[0-9]*' || echo '?')
    printf '| %s | %d | %s | %d | %s | %s | %d | %d |\n' "$target" "$took" "${executions:-?}" \
        $((${executions:-0} / (took > 0 ? took : 1))) "$edges" "$features" \
        "$(find "$corpus" -type f | wc -l)" "$(find "$findings" -type f | wc -l)"
done
exit $status
