#!/usr/bin/env python3
"""Makes adapters of the kinds that peft writes for a T5, with peft's losses.

    python scripts/oracle/elsewhere.py
    python scripts/oracle/elsewhere.py --written OUT    # what the example `adapters` wrote

Each kind is made beside a tiny model of `tests/oracle/tiny`, given random numbers, saved by peft,
opened again by peft beside a fresh base, and scored there on one batch: what counts is what peft
computes with the files. They become `tests/oracle/elsewhere/KIND`, and `kinds.json` tells the model
and the loss of each row, or the key for which Flantune refuses it. What is refused needs no numbers:
its tensors are left out. With `--written`, peft opens what Flantune
wrote of them, and must compute the same. Needs torch, transformers, safetensors and peft 0.21.2.
"""

import argparse
import json
import shutil
import sys
import warnings
from pathlib import Path

import peft
import torch
from peft import (
    IA3Config,
    LoraConfig,
    PeftModel,
    PromptTuningConfig,
    TaskType,
    get_peft_model,
)
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.torch import load_file, save_file
from transformers import T5ForConditionalGeneration
from transformers.utils import logging

ORACLE = Path(__file__).resolve().parents[2] / "tests" / "oracle"
OUT = ORACLE / "elsewhere"
TASK = "SEQ_2_SEQ_LM"
CROSS = ["EncDecAttention.q", "EncDecAttention.v"]
# Of a list of names, peft keeps a set, whose order differs from run to run.
RECORD = {}
TOLERANCE = 1e-6


def lora(**keys):
    return LoraConfig(**{"task_type": TASK, "r": 2, "lora_alpha": 4, "target_modules": CROSS} | keys)


def ia3(**keys):
    return IA3Config(**{"task_type": TASK} | keys)


def prompt(**keys):
    return PromptTuningConfig(**{"task_type": TASK, "num_virtual_tokens": 3} | keys)


# name: (model, configuration, what is changed in the file after saving)
READ = {
    # Which maps: lists, patterns, layers, exclusions.
    "name-that-the-model-lacks": ("gated", lora(target_modules=["EncDecAttention.q", "wi", "lin"]), {}),
    "gated-names-without-a-gate": ("relu", lora(r=1, target_modules=["wi", "wi_0", "wi_1"]), {}),
    "all-linear": ("relu", lora(r=1, target_modules="all-linear"), {"target_modules": "all-linear"}),
    "all-linear-but": ("gated", lora(r=1, target_modules="all-linear", exclude_modules=["q", "k", "v", "o", "encoder.block.0.layer.1.DenseReluDense.wo"]), {}),
    "pattern": ("gated", lora(target_modules=r".*decoder.*(SelfAttention|EncDecAttention).*(q|v)$", r=1), {}),
    "pattern-that-looks-ahead": ("gated", lora(target_modules=r"^(?!.*decoder).*\.(q|o)$"), {}),
    "pattern-of-one-path": ("odd", lora(target_modules=r"decoder\.block\.[01]\.layer\.1\.\w+\.k"), {}),
    "paths": ("gated", lora(target_modules=["encoder.block.1.layer.0.SelfAttention.o", "decoder.block.0.layer.2.DenseReluDense.wo"]), {}),
    "layers": ("gated", lora(target_modules=["q", "v"], layers_to_transform=[1]), {}),
    "layer-as-a-number": ("gated", lora(target_modules=["wo"], layers_to_transform=0), {}),
    "layers-of-a-pattern": ("gated", lora(target_modules=["q", "wo"], layers_to_transform=[1], layers_pattern="block"), {}),
    "layers-of-parts": ("gated", lora(target_modules=["q", "wo"], layers_to_transform=[1], layers_pattern=["nothing", "layer"]), {}),
    "layers-and-a-path": ("gated", lora(target_modules=["v", "encoder.block.0.layer.0.SelfAttention.q"], layers_to_transform=[1, 7], layers_pattern="decoder.block"), {}),
    "excluded": ("gated", lora(target_modules=["q", "v"], exclude_modules=["SelfAttention.q", "encoder.block.0.layer.0.SelfAttention.v"]), {}),
    "excluded-by-a-pattern": ("gated", lora(target_modules=["q", "wi_0"], exclude_modules=r".*(decoder|block\.1).*"), {}),
    "excluded-nothing": ("gated", lora(exclude_modules=["lm_head", "nothing"]), {}),
    "no-targets-named": ("gated", lora(r=1, target_modules=["q", "v"]), {"target_modules": None}),
    # Ranks and alphas by map.
    "ranks": ("gated", lora(target_modules=["EncDecAttention.q", "wo"], rank_pattern={"wo": 1, r"decoder.*q": 3}), {}),
    "alphas": ("gated", lora(alpha_pattern={"EncDecAttention.q": 32, r"^decoder\.block\.0.*v": 0.5}), {}),
    "ranks-and-alphas-of-rslora": ("gated", lora(target_modules=["q", "v"], use_rslora=True, rank_pattern={r"^encoder": 9, r"encoder.*": 1, "q": 3}, alpha_pattern={"v": 7, "decoder.block.1.layer.0.SelfAttention.v": 1}), {}),
    "ranks-of-dora": ("gated", lora(use_dora=True, target_modules=r".*block\.1.*(wo|v)", rank_pattern={"wo": 1}), {}),
    # Keys that change nothing here.
    "bias-all": ("gated", lora(bias="all"), {}),
    "bias-lora-only": ("gated", lora(bias="lora_only"), {}),
    "fan-in-fan-out": ("gated", lora(), {"fan_in_fan_out": True}),
    "saved-modules-that-the-model-lacks": ("gated", lora(modules_to_save=["classifier", "score"]), {}),
    "task-causal": ("gated", lora(task_type="CAUSAL_LM"), {}),
    "task-features": ("gated", lora(task_type="FEATURE_EXTRACTION"), {}),
    "task-none": ("gated", lora(task_type=None), {}),
    "embeddings-beside": ("relu", lora(r=1, target_modules=["EncDecAttention.v"]), {}),
    "half-precision": ("gated", lora(), {}),
    "keys-of-another-version": ("gated", lora(), {"enable_lora": None, "merge_weights": False, "some_new_key": [1]}),
    # How A and B began.
    "began-random": ("gated", lora(init_lora_weights=False), {}),
    "began-gaussian": ("gated", lora(init_lora_weights="gaussian"), {"init_lora_weights": "Gaussian"}),
    "began-orthogonal": ("gated", lora(init_lora_weights="orthogonal"), {}),
    "began-eva": ("gated", lora(), {"init_lora_weights": "eva"}),
    # Without the gradients that it began with, peft leaves the base as it is.
    "began-lora-ga": ("gated", lora(), {"init_lora_weights": "lora_ga"}),
    "began-mica": ("gated", lora(init_lora_weights="mica"), {}),
    # (IA)³
    "ia3-default": ("gated", ia3(), {}),
    "ia3-no-targets-named": ("relu", ia3(), {"target_modules": None, "feedforward_modules": None}),
    "ia3-name-that-the-model-lacks": ("gated", ia3(target_modules=["k", "wi", "wo"], feedforward_modules=["wi", "wo"]), {}),
    "ia3-all-linear": ("relu", ia3(target_modules="all-linear", feedforward_modules=["wo"]), {"target_modules": "all-linear"}),
    "ia3-patterns": ("gated", ia3(target_modules=r".*(EncDecAttention\.k|wo|wi_1)", feedforward_modules=r".*block\.0.*(wo|wi_1)"), {}),
    "ia3-excluded": ("gated", ia3(target_modules=["k", "wo"], feedforward_modules=["wo"], exclude_modules=["SelfAttention.k"]), {}),
    "ia3-ends-within-a-name": ("gated", ia3(target_modules=["o", "wo"], feedforward_modules=["o"]), {}),
    "ia3-task-causal": ("gated", ia3(task_type="CAUSAL_LM", target_modules=["k"], feedforward_modules=[]), {}),
    "ia3-began-random": ("gated", ia3(init_ia3_weights=False), {}),
    # Soft prompts
    "prompt-random": ("gated", prompt(), {}),
    "prompt-sampled": ("gated", prompt(prompt_tuning_init="SAMPLE_VOCAB"), {}),
    "prompt-of-one-part": ("relu", prompt(num_transformer_submodules=1), {}),
}

# name: (model, configuration, the key that a message must name, what is changed in the file)
REFUSED = {
    "head": ("gated", lora(target_modules=["q", "lm_head"]), "lm_head"),
    "embedding": ("gated", lora(target_modules=["q", "shared"]), "shared"),
    "position-bias": ("gated", lora(target_modules=["relative_attention_bias"]), "relative_attention_bias"),
    "nothing-matches": ("gated", lora(target_modules=["query", "value"]), "query"),
    "everything-excluded": ("gated", lora(exclude_modules=r".*"), "exclude_modules"),
    "layers-that-are-not-there": ("gated", lora(layers_to_transform=[5]), "layers_to_transform"),
    "saved-head": ("gated", lora(modules_to_save=["lm_head"]), "modules_to_save"),
    "saved-norms": ("gated", lora(modules_to_save=["layer_norm"]), "modules_to_save"),
    "saved-embedding-of-ia3": ("gated", ia3(modules_to_save=["shared"]), "modules_to_save"),
    "task-classification": ("gated", lora(task_type="SEQ_CLS"), "task_type"),
    "task-tokens": ("gated", lora(task_type="TOKEN_CLS"), "task_type"),
    "task-answers": ("gated", lora(task_type="QUESTION_ANS"), "task_type"),
    "began-pissa": ("gated", lora(init_lora_weights="pissa"), "init_lora_weights"),
    "began-pissa-quickly": ("gated", lora(init_lora_weights="pissa_niter_4"), "init_lora_weights"),
    "began-olora": ("gated", lora(init_lora_weights="olora"), "init_lora_weights"),
    "began-corda": ("gated", lora(init_lora_weights="corda"), "init_lora_weights"),
    "began-loftq": ("gated", lora(), "init_lora_weights", {"init_lora_weights": "loftq", "loftq_config": {"loftq_bits": 4, "loftq_iter": 1}}),
    "biased": ("gated", lora(lora_bias=True), "lora_bias"),
    "qalora": ("gated", lora(use_qalora=True), "use_qalora"),
    "tokens": ("gated", lora(trainable_token_indices=[5, 6]), "trainable_token_indices"),
    "parameters": ("gated", lora(target_parameters=["layer_norm.weight"]), "target_parameters"),
    "replicated": ("gated", lora(layer_replication=[(0, 1), (0, 2)]), "layer_replication"),
    "activated": ("gated", lora(alora_invocation_tokens=[5]), "alora_invocation_tokens"),
    "prompt-causal": ("gated", prompt(task_type="CAUSAL_LM"), "task_type"),
    "prompt-without-a-task": ("gated", prompt(task_type=None), "task_type"),
}

# What configurations of other kinds need.
OTHERS = {
    "ADALORA": {"total_step": 10},
    "TRAINABLE_TOKENS": {"token_indices": [5]},
    "VBLORA": {"num_vectors": 4, "vector_length": 4},
}
READ_TYPES = {"LORA", "IA3", "PROMPT_TUNING"}


def main():
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    parser = argparse.ArgumentParser()
    parser.add_argument("--written", type=Path)
    if out := parser.parse_args().written:
        return check(out / "elsewhere")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    for place, (name, (model, config, changed)) in enumerate(READ.items()):
        read(place, name, model, config, changed)
    for name, (model, config, key, *changed) in REFUSED.items():
        refuse(name, model, config, key, *changed)
    for kind, config_type in PEFT_TYPE_TO_CONFIG_MAPPING.items():
        kind = str(getattr(kind, "value", kind))
        if kind not in READ_TYPES:
            refuse("type-" + kind.lower().replace("_", "-"), "gated", other(kind, config_type), "peft_type")
    (OUT / "kinds.json").write_text(json.dumps(RECORD, indent=1) + "\n")
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file())
    print(len(RECORD), "kinds,", size // 1000, "kB")


def read(place, name, base, config, changed):
    torch.manual_seed(place)
    model = get_peft_model(open_base(base), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                scale = 0.3 if "lora" in str(config.peft_type).lower() else 0.2
                parameter.add_(torch.randn(parameter.shape) * scale)
    if name == "half-precision":
        model = model.half()
    where = OUT / name
    model.save_pretrained(where, save_embedding_layers=name == "embeddings-beside")
    (where / "README.md").unlink()
    edit(where, changed)
    # Beside a base that it has not touched, as whoever is given the files does it.
    found = losses(PeftModel.from_pretrained(open_base(base), where), base)
    untouched = losses(open_base(base), base)
    assert max(abs(a - b) for a, b in zip(found, untouched)) > 1e-3, f"{name} changes nothing"
    RECORD[name] = {"model": base, "losses": found}
    print(f"{name:36}", [round(loss, 6) for loss in found])


def check(out):
    """Opens what Flantune wrote of the adapters that it reads."""
    kinds, far = json.loads((OUT / "kinds.json").read_text()), {}
    for name, kind in kinds.items():
        if "losses" in kind:
            found = losses(PeftModel.from_pretrained(open_base(kind["model"]), out / name), kind["model"])
            far[name] = max(abs(a - b) / abs(b) for a, b in zip(found, kind["losses"]))
            print(f"{name:36} {far[name]:.1e}")
    if not far or not all(distance <= TOLERANCE for distance in far.values()):
        sys.exit(f"not all are within {TOLERANCE} of what peft computed with its own files")


def refuse(name, base, config, key, changed={}):
    where = OUT / name
    config.save_pretrained(where)
    edit(where, changed)
    save_file({}, where / "adapter_model.safetensors")
    RECORD[name] = {"model": base, "refused": key}
    if name.startswith("began-") and not changed:
        print(f"{name:36}", began(config, base))


def began(config, base):
    """Whether peft computes something else with such an adapter than with a LoRA of the same numbers."""
    torch.manual_seed(0)
    try:
        model = get_peft_model(open_base(base), config)
    except Exception as error:  # needs data
        return f"{type(error).__name__}: {str(error)[:90]}"
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    where = OUT / "scratch"
    model.save_pretrained(where)
    as_it_is = losses(PeftModel.from_pretrained(open_base(base), where), base)
    edit(where, {"init_lora_weights": True})
    plain = losses(PeftModel.from_pretrained(open_base(base), where), base)
    shutil.rmtree(where)
    return f"peft {as_it_is[0]:.4f}, as a LoRA of the same numbers {plain[0]:.4f}"


def other(kind, config_type):
    keys = {"task_type": TASK} | OTHERS.get(kind, {})
    try:
        return config_type(**keys)
    except Exception:
        # Written by hand where peft wants more than this script knows.
        config = config_type.__new__(config_type)
        for field in config_type.__dataclass_fields__.values():
            try:
                setattr(config, field.name, None if field.default_factory is not None else field.default)
            except Exception:
                pass
        config.peft_type, config.task_type = peft.PeftType(kind), TaskType(TASK)
        config.save_pretrained = lambda where: write(where, {"peft_type": kind, "task_type": TASK})
        return config


def write(where, keys):
    where.mkdir(parents=True, exist_ok=True)
    (where / "adapter_config.json").write_text(json.dumps(keys, indent=2, sort_keys=True))


def edit(where, changed):
    """Sets keys, and leaves the order of lists and this machine's paths to no chance."""
    path = where / "adapter_config.json"
    keys = json.loads(path.read_text()) | changed
    keys["base_model_name_or_path"] = None
    for key in ("target_modules", "feedforward_modules", "exclude_modules"):
        if isinstance(keys.get(key), list):
            keys[key].sort()
    path.write_text(json.dumps(keys, indent=2, sort_keys=True))


def open_base(name):
    """transformers 5 ties the head to the embedding unless the file holds another one."""
    model = T5ForConditionalGeneration.from_pretrained(ORACLE / "tiny" / name)
    stored = load_file(ORACLE / "tiny" / name / "model.safetensors")
    assert torch.equal(model.lm_head.weight, stored.get("lm_head.weight", stored["shared.weight"]))
    return model


def losses(model, base):
    """The mean loss of each row's tokens."""
    batch = load_file(ORACLE / "tiny" / base / "adapters" / "batches" / "0.safetensors")
    with torch.no_grad():
        logits = model.double().eval()(**batch).logits
    labels = batch["labels"]
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100, reduction="none")
    return [(row.sum() / (known != -100).sum()).item() for row, known in zip(each, labels)]


if __name__ == "__main__":
    main()
