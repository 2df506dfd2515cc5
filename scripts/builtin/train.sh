#!/usr/bin/env bash
# Trains the built-in model: rows, tokenizer and first weights where they are missing, then three stages.
#
# scripts/builtin/train.sh FLANTUNE DATA WORK [STAGE...]
#
#   FLANTUNE  the binary
#   DATA      the folder of the sets that SOURCES.md lists
#   WORK      a folder for all that is made; its stage-3 is the model
#   STAGE     1, 2 or 3; without any, all three in turn
#
# PYTHON names a Python with the packages of requirements.txt. A stage that was cut off goes on from
# its last checkpoint, and one that is done is passed over. STEPS="6000 5000 5000" is how long each takes;
# TOKENIZER is a tokenizer.json to take instead of learning one.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
flantune=$1 data=$2 work=$3
shift 3
stages=("${@:-1 2 3}")
python=${PYTHON:-python3}
read -ra steps <<<"${STEPS:-6000 5000 5000}"
# The rate at the top of the warm-up, times the size of each weight (--scale-parameter). T5's own was
# 0.01 to begin with; the last stage lets it fall to nothing.
rates=(0.015 0.01 0.01)
schedules=(constant constant linear)

mkdir -p "$work"
if [[ ! -e $work/rows/train-3.jsonl ]]; then
  "$python" "$here/prepare.py" --data "$data" --output "$work/rows" \
    ${TOKENIZER:+--tokenizer "$TOKENIZER"}
fi
if [[ ! -e $work/initial/tokenizer.json ]]; then
  "$python" "$here/initial.py" --tokenizer "$work/rows/tokenizer.json" --output "$work/initial"
fi

for stage in ${stages[*]}; do
  output=$work/stage-$stage
  if grep -qs '"event":"done"' "$output/events.jsonl"; then
    continue
  fi
  from=$work/initial
  ((stage == 1)) || from=$work/stage-$((stage - 1))
  resume=()
  [[ ! -e $output ]] || resume=(--resume)
  "$flantune" train --method full --model "$from" --output "$output" "${resume[@]}" \
    --train "$work/rows/train-$stage.jsonl" --validation "$work/rows/validation.jsonl" \
    --source-field source --target-field target --max-source-tokens 128 --max-target-tokens 48 \
    --batch-size 32 --max-steps "${steps[stage - 1]}" \
    --optimizer adafactor --scale-parameter --learning-rate "${rates[stage - 1]}" \
    --schedule "${schedules[stage - 1]}" --warmup-steps 300 --seed "$stage" \
    --eval-every 1000 --eval-rows 1000 --eval-samples 0 --checkpoint-every 500 --device cpu
done
