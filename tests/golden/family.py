#!/usr/bin/env python3
"""Golden cases for the families that tests/golden/cases holds beside plain T5: UMT5, mT5, MADLAD-400, ByT5 and encoders alone.

    python3 tests/golden/family.py tests/golden/cases

Writes a small random model of each kind as a Hugging Face folder, opens it with transformers, and stores what transformers computes:
encoder and decoder states, logits, greedy and beam decoding. Made with transformers 5.23.0, torch 2.13.0 (CPU, one thread, eager
attention), safetensors 0.8.0 and numpy 2.4.6; two runs give the same bytes.

How far an implementation may differ is measured: every number is computed in float64 too, and its tolerance is 20 times the largest
difference, at least 2e-5. A prompt whose greedy or beam result hangs on a difference that rounding could turn round is drawn again.
"""

import json
import math
import os
import re
import shutil
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers
from safetensors.numpy import save
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, ByT5Tokenizer, GenerationConfig, T5EncoderModel

START, EOS, FIRST_WORD = 0, 1, 3
GREEDY_MARGIN = 1e-3  # least gap between the two best logits of any greedy step
SCORE_MARGIN = 1e-3  # least gap between neighbours in the final list of a beam search
SMALL = dict(d_model=24, d_kv=8, d_ff=32, num_heads=2, num_layers=2, num_decoder_layers=2, vocab_size=128)
TEXTS = ["where is anna?", "caf\u00e9 or tea? \\n (a) caf\u00e9 (b) tea", "fill <extra_id_0> in <extra_id_1> </s> ."]

# What each config.json says beside the sizes, as the models' own files say it, and the name of the embedding if it is not the usual one.
KINDS = {
    "umt5": dict(
        description="UMT5: a relative bias in every layer; its output is scaled whatever the file says of ties",
        config=dict(model_type="umt5", architectures=["UMT5ForConditionalGeneration"], feed_forward_proj="gated-gelu",
                    tie_word_embeddings=False, num_heads=4, num_layers=3)),
    "mt5": dict(
        description="mT5: gated-gelu by default, a head of its own, never scaled",
        config=dict(model_type="mt5", architectures=["MT5ForConditionalGeneration"], tie_word_embeddings=False)),
    "madlad": dict(
        description="MADLAD-400: the embedding is there as the decoder's alone, and differs from the head",
        config=dict(model_type="t5", architectures=["T5ForConditionalGeneration"], feed_forward_proj="gated-gelu",
                    tie_word_embeddings=False, d_kv=12),
        embedding="decoder.embed_tokens.weight"),
    "byt5": dict(
        description="ByT5: bytes for tokens, a deep encoder and a shallow decoder",
        config=dict(model_type="t5", architectures=["T5ForConditionalGeneration"], feed_forward_proj="gated-gelu",
                    tie_word_embeddings=False, tokenizer_class="ByT5Tokenizer", vocab_size=384, d_model=16, num_layers=3,
                    num_decoder_layers=1)),
    "t5_encoder": dict(
        description="an encoder alone, as T5EncoderModel is saved",
        config=dict(model_type="t5", architectures=["T5EncoderModel"], feed_forward_proj="relu", is_encoder_decoder=False)),
}


def draw_weights(config, scaled, embedding, rng):
    """Tensors that keep activations and logits well spread: scores have a standard deviation near 3, logits near 4.

    The decoder's last norm has weights of both signs and the rows of wo sum to zero, without which greedy decoding would repeat itself.
    """
    d, inner, d_ff = config["d_model"], config["num_heads"] * config["d_kv"], config["d_ff"]
    gated = config.get("feed_forward_proj", "gated-gelu").startswith("gated")
    tensors = {}

    def normal(name, shape, std):
        tensors[name + ".weight"] = (rng.standard_normal(shape) * std).astype(np.float32)

    def norm(name, signed=False):
        tensors[name + ".weight"] = ((rng.choice([-1, 1], d) if signed else 1) * rng.uniform(0.6, 1.4, d)).astype(np.float32)

    def attention(name):
        for part in "qk":
            normal(f"{name}.{part}", (inner, d), math.sqrt(3 / math.sqrt(config["d_kv"]) / d))
        normal(f"{name}.v", (inner, d), d**-0.5)
        normal(f"{name}.o", (d, inner), 1.5 * inner**-0.5)

    def stack(name, depth, is_decoder):
        for i in range(depth):
            block = f"{name}.block.{i}.layer"
            attention(f"{block}.0.SelfAttention")
            if i == 0 or config["model_type"] == "umt5":
                normal(f"{block}.0.SelfAttention.relative_attention_bias", (32, config["num_heads"]), 1.0)
            if is_decoder:
                attention(f"{block}.1.EncDecAttention")
                norm(f"{block}.1.layer_norm")
            last = f"{block}.{2 if is_decoder else 1}"
            for part in ("wi_0", "wi_1") if gated else ("wi",):
                normal(f"{last}.DenseReluDense.{part}", (d_ff, d), d**-0.5)
            normal(f"{last}.DenseReluDense.wo", (d, d_ff), 1.5 * (2 / d_ff) ** 0.5)
            wo = tensors[f"{last}.DenseReluDense.wo.weight"]
            wo -= wo.mean(1, keepdims=True)
            norm(f"{block}.0.layer_norm")
            norm(f"{last}.layer_norm")
        norm(f"{name}.final_layer_norm", signed=is_decoder)

    normal(embedding.removesuffix(".weight"), (config["vocab_size"], d), 0.4)
    stack("encoder", config["num_layers"], False)
    if "num_decoder_layers" in config:
        stack("decoder", config["num_decoder_layers"], True)
        normal("lm_head", (config["vocab_size"], d), 4 if scaled else 4 * d**-0.5)
        tensors["lm_head.weight"][EOS] *= 1.6  # so that EOS is often far up or far down
    return tensors


class Golden:
    """One model's cases, computed twice: in float32 as stored, and in float64 to tell the noise."""

    def __init__(self, folder, seed, name):
        whole = name != "t5_encoder"
        kind = AutoModelForSeq2SeqLM if whole else T5EncoderModel
        self.models = [kind.from_pretrained(folder, attn_implementation="eager", dtype=dtype).eval()
                       for dtype in (torch.float32, torch.float64)]
        for model in self.models:
            model.generation_config = GenerationConfig(decoder_start_token_id=START, pad_token_id=START, eos_token_id=EOS)
        self.config = self.models[0].config
        self.rng = np.random.default_rng([seed, 1, *name.encode()])
        self.tensors, self.cases = {}, []

    def prompt(self, length=17):
        return [*map(int, self.rng.integers(FIRST_WORD, self.config.vocab_size, length - 1)), EOS]

    def keep(self, case, **pairs):
        """Adds the case with its tensors, each given in float32 and in float64."""
        case |= {"weights": "f32", "tensors": {}, "noise": {}, "atol": {}}
        for field, (single, double) in pairs.items():
            name = f"{case['name']}.{field}"
            noise = float((single.double() - double).abs().max())
            self.tensors[name] = single.float().numpy().copy()
            case["tensors"][field] = name
            case["noise"][field] = float(f"{noise:.2g}")
            case["atol"][field] = max(2e-5, float(f"{20 * noise:.2g}"))
        self.cases.append(case)

    def encode(self, length):
        ids = self.prompt(length)
        states = [model(input_ids=torch.tensor([ids])).last_hidden_state[0] for model in self.models]
        self.keep({"name": f"encode.len{length}", "kind": "encode", "input_ids": ids}, encoder_hidden=states)

    def run(self, ids, fed):
        """encoder_hidden, decoder_hidden, logits of both models."""
        outputs = [model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([fed]), output_hidden_states=True)
                   for model in self.models]
        return [[o.encoder_last_hidden_state[0] for o in outputs], [o.decoder_hidden_states[-1][0] for o in outputs],
                [o.logits[0] for o in outputs]]

    def forward(self, length, n_fed):
        ids, fed = self.prompt(length), [START, *self.prompt(n_fed)[:-1]]
        rows = [0, 1, n_fed - 1]
        encoder, decoder, logits = self.run(ids, fed)
        self.keep({"name": f"forward.len{length}", "kind": "forward", "input_ids": ids, "decoder_input_ids": fed, "logit_rows": rows},
                  encoder_hidden=encoder, decoder_hidden=decoder, logits=[x[rows] for x in logits])

    def generate(self, ids, **options):
        return [model.generate(torch.tensor([ids]), return_dict_in_generate=True, output_scores=True, **options) for model in self.models]

    def greedy_case(self, name, ids, options):
        """Keeps a greedy case if no step is close."""
        out = [int(t) for t in self.generate(ids, **options)[0].sequences[0][1:]]
        logits = self.run(ids, [START, *out[:-1]])[2]
        best = logits[0].topk(2).values
        margin = float((best[:, 0] - best[:, 1]).min())
        if margin < GREEDY_MARGIN:
            return None
        case = {"name": name, "kind": "greedy", "input_ids": ids, "options": options, "output_ids": out,
                "finish": "eos" if out[-1] == EOS else "length"}
        chosen = [x.log_softmax(-1)[range(len(out)), out] for x in logits]
        self.keep(case, logprobs=chosen)
        return case

    def greedy(self, name, finish, **options):
        for _ in range(500):
            mark = len(self.cases)
            case = self.greedy_case(name, self.prompt(), options)
            if case and case["finish"] == finish and len(set(case["output_ids"])) > 3:  # not one token for ever
                return
            del self.cases[mark:]
        raise SystemExit(f"{name}: no prompt will do")

    def beam(self, name, **options):
        for _ in range(500):
            ids = self.prompt()
            single, double = self.generate(ids, **options)
            scores = single.sequences_scores
            if single.sequences.tolist() != double.sequences.tolist() or (scores[:-1] - scores[1:]).min() < SCORE_MARGIN:
                continue
            outputs = []
            for row, score in zip(single.sequences.tolist(), scores.tolist()):
                out = row[1 : row.index(EOS) + 1] if EOS in row else row[1:]
                outputs.append({"ids": out, "finish": "eos" if out[-1] == EOS else "length", "score": float(f"{score:.7g}")})
            if len(set(outputs[0]["ids"])) < 4:
                continue
            self.keep({"name": name, "kind": "beam", "input_ids": ids, "options": options, "outputs": outputs})
            return
        raise SystemExit(f"{name}: no prompt will do")

    def texts(self, tokenizer):
        for i, text in enumerate(TEXTS):
            case = self.greedy_case(f"text.{i}", tokenizer(text).input_ids, {"max_new_tokens": 12})
            if case is None:
                raise SystemExit(f"text.{i}: too close")
            case |= {"text": text, "output_text": tokenizer.decode(case["output_ids"], skip_special_tokens=True)}


def describe(config, scaled):
    keys = ("vocab_size", "d_model", "d_kv", "d_ff", "num_heads", "num_layers", "relative_attention_num_buckets",
            "relative_attention_max_distance", "layer_norm_epsilon")
    scale = config.d_model**-0.5 if scaled else 1.0
    return {key: getattr(config, key) for key in keys} | {"gated": config.is_gated_act, "output_scale": scale}


def write_json(path, value):
    """Indented, with lists of numbers on one line."""
    text = json.dumps(value, indent=1)
    text = re.sub(r"\[\s+((?:-?[\d.e+-]+,\s+)*-?[\d.e+-]+)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    path.write_text(text + "\n")


def write_model(folder, config, tensors):
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {"decoder_start_token_id": START, "eos_token_id": EOS, "pad_token_id": START} | config)
    (folder / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
    if config.get("tokenizer_class") == "ByT5Tokenizer":
        ByT5Tokenizer().save_pretrained(folder)
        (folder / "added_tokens.json").unlink()


def make(name, kind, cases, seed):
    shutil.rmtree(cases / name, ignore_errors=True)
    whole, scaled = name != "t5_encoder", name == "umt5"
    config = SMALL | kind["config"]
    if not whole:
        del config["num_decoder_layers"]
    embedding = kind.get("embedding", "shared.weight")
    folder = cases / name / "safetensors"
    tensors = draw_weights(config, scaled, embedding, np.random.default_rng([seed, 0, *name.encode()]))
    write_model(folder, config, tensors)

    golden = Golden(folder, seed, name)
    assert all(torch.equal(model.encoder.embed_tokens.weight.float(), torch.from_numpy(tensors[embedding])) for model in golden.models)
    if not whole:
        golden.encode(17)
        golden.encode(150)
    else:
        assert torch.equal(golden.models[0].lm_head.weight, torch.from_numpy(tensors["lm_head.weight"]))
        golden.forward(17, 8)
        golden.forward(70, 40)
        golden.greedy("greedy.eos", "eos", max_new_tokens=30)
        golden.greedy("greedy.length", "length", max_new_tokens=12)
        golden.beam("beam.4", num_beams=4, num_return_sequences=3, max_new_tokens=12)
        golden.beam("beam.penalty", num_beams=3, num_return_sequences=2, max_new_tokens=10, length_penalty=2.0, early_stopping=True)
    if name == "byt5":
        golden.texts(AutoTokenizer.from_pretrained(folder))
    (cases / name / "golden.f32.safetensors").write_bytes(save(golden.tensors))
    write_json(cases / name / "meta.json", {
        "model": name, "description": kind["description"], "forms": [{"path": "safetensors", "weights": "f32"}],
        "weights": {"f32": {"golden": "golden.f32.safetensors", "config": describe(golden.config, scaled)}}, "cases": golden.cases})


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    cases = Path(sys.argv[1])
    for name, kind in KINDS.items():
        make(name, kind, cases, seed=1)
        print(name, sum(f.stat().st_size for f in (cases / name).rglob("*") if f.is_file()), "bytes")


if __name__ == "__main__":
    main()
