"""Writes a LLaMA of a published shape with random values, in the form of Hugging Face: what a conversion costs does not
depend on the values, and the real ones are not everybody's to have.

    .deps/peers/bin/python bench/peers/random_llama.py 1b models/random-1b --tokenizer tokenizer.json
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file

SHAPES = {  # of Llama-3.2-1B and 3B, and a small one to try things with
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "head_dim": 64},
    "3b": {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "num_attention_heads": 24,
           "num_key_value_heads": 8, "head_dim": 128},
    "tiny": {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "head_dim": 16},
}
SHARED = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "attention_bias": False,
    "mlp_bias": False, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
    "rope_theta": 500000.0, "vocab_size": 128256, "torch_dtype": "bfloat16", "bos_token_id": 128000,
    "rope_scaling": {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                     "original_max_position_embeddings": 8192, "rope_type": "llama3"},
}
LARGEST_FILE = 2 * 1024**3


def tensors_of(config: dict):
    """Name and shape of each tensor, in the order of the layers."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    query, key = (config[n] * config["head_dim"] for n in ("num_attention_heads", "num_key_value_heads"))
    yield "model.embed_tokens.weight", (config["vocab_size"], width)
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}."
        yield name + "input_layernorm.weight", (width,)
        yield name + "self_attn.q_proj.weight", (query, width)
        yield name + "self_attn.k_proj.weight", (key, width)
        yield name + "self_attn.v_proj.weight", (key, width)
        yield name + "self_attn.o_proj.weight", (width, query)
        yield name + "post_attention_layernorm.weight", (width,)
        yield name + "mlp.gate_proj.weight", (inner, width)
        yield name + "mlp.up_proj.weight", (inner, width)
        yield name + "mlp.down_proj.weight", (width, inner)
    yield "model.norm.weight", (width,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=sorted(SHAPES))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path, help="a tokenizer.json of the same number of symbols")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    config = SHARED | SHAPES[arguments.shape]
    arguments.folder.mkdir(parents=True)
    (arguments.folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if arguments.tokenizer:
        shutil.copy(arguments.tokenizer, arguments.folder / "tokenizer.json")
    torch.manual_seed(arguments.seed)
    files: list[list[str]] = []
    places: dict[str, str] = {}
    shapes = dict(tensors_of(config))
    size = LARGEST_FILE
    for name, shape in shapes.items():
        bytes_of = 2 * torch.Size(shape).numel()
        if size + bytes_of > LARGEST_FILE:
            files.append([])
            size = 0
        files[-1].append(name)
        size += bytes_of
    for number, names in enumerate(files, 1):
        file = f"model-{number:05}-of-{len(files):05}.safetensors"
        values = {name: torch.ones(shapes[name], dtype=torch.bfloat16) if len(shapes[name]) == 1 else
                  (0.02 * torch.randn(shapes[name])).to(torch.bfloat16) for name in names}
        save_file(values, arguments.folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(names, file)
    index = {"metadata": {}, "weight_map": places}
    (arguments.folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
    print(f"{arguments.folder}: {sum(torch.Size(shape).numel() for shape in shapes.values()):,} values in {len(files)} files")


if __name__ == "__main__":
    main()
