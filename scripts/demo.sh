#!/usr/bin/env bash
# The main job on the shipped example: converts the demo prior, degrades a photograph in three ways, restores each, and
# writes grids of observation, restoration and original to demo-out/. Needs the release build (make demo builds it).
set -euo pipefail
cd "$(dirname "$0")/.."

tools=.build/release
photo=Examples/demo/photos/astronaut.png
out=demo-out
rm -rf "$out"
mkdir "$out"

"$tools/ud2m-convert" Examples/demo/prior64.pt "$out/prior64.ud2w"

results=()
for task in deblur inpaint sr; do
    observation=$out/$task-observation.png
    "$tools/ud2m" degrade "$photo" --output "$observation" --task "$task" --seed 1
    results+=("$("$tools/ud2m" restore "$out/prior64.ud2w" "$observation" --output "$out/$task-restored.png" \
        --operator "$observation.operator.json" --reference "$photo" --grid "$out/$task.png" --seed 1 | tail -n 1)")
done
printf '%s\n' "${results[@]}"
