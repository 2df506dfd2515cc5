#!/usr/bin/env bash
# The main job on real input: the real model learns DialogSum summaries, by each method and several
# seeds, and every result is scored on test rows against the best of three references.
#
# scripts/bench/dialogsum.sh FLANTUNE MODEL SHARED OUTPUT [METHOD...]     (base, lora, full, prompt)
# SEEDS="0 1 2" chooses the seeds, OPTIONS is added to what trains and scores.
set -euo pipefail
flantune=$1 model=$2 data=$3/data/dialogsum output=$4
shift 4
methods=("${@:-base}")

template=$'Summarize the following conversation.\n\n{{dialogue}}\n\nSummary: ||| {{summary}}'
test_template=${template/summary\}/summary1\}}
mkdir -p "$output"

# score NAME OPTION...
score() {
  local name=$1
  shift
  "$flantune" eval --model "$model" --device cpu ${OPTIONS:-} --data "$data/test.jsonl" --limit 100 \
    --template "$test_template" --reference-fields summary1,summary2,summary3 \
    --metrics loss,rouge1,rouge2,rougeL --max-new-tokens 60 \
    --output-rows "$output/$name.jsonl" --json "$@" >"$output/$name.json"
  printf '%s %s\n' "$name" "$(cat "$output/$name.json")"
}

# train NAME OPTION...
train() {
  local name=$1
  shift
  [[ -f "$output/$name/adapter_config.json" || -f "$output/$name/model.safetensors" ]] && return
  "$flantune" train --model "$model" --device cpu ${OPTIONS:-} --train "$data/train.jsonl" --limit 500 \
    --template "$template" --validation-fraction 0 --epochs 2 --batch-size 8 \
    --output "$output/$name" --json "$@" >"$output/$name.events"
  tail -n 1 "$output/$name.events"
}

for method in "${methods[@]}"; do
  if [[ $method == base ]]; then
    score base
    continue
  fi
  for seed in ${SEEDS:-0 1 2}; do
    name=$method-$seed
    case $method in
      lora) train "$name" --method lora --rank 8 --alpha 16 --learning-rate 3e-3 --seed "$seed" ;;
      prompt) train "$name" --method prompt --num-virtual-tokens 20 --learning-rate 0.3 --seed "$seed" ;;
      full) train "$name" --method full --learning-rate 3e-4 --seed "$seed" ;;
    esac
    if [[ $method == full ]]; then
      model=$output/$name score "$name"
      rm -rf "${output:?}/$name" # 308 MB each
    else
      score "$name" --adapter "$output/$name"
    fi
  done
done
