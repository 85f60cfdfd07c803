"""The tiny model of tests/tiny.py as a GGUF file, written by the format's own library."""

from pathlib import Path

import numpy as np

TYPES = {"F32": 0, "F16": 1, "Q8_0": 7}
"""`general.file_type` by the type of the weights."""


MERGES = (("Ġ", "t"), ("i", "n"))
"""A GGUF file has at least one."""


def build_gguf(model: Path, file: Path, kind: str = "F32") -> Path:
    """Write a model folder of a Llama with a byte-level tokenizer as a GGUF file.

    Args:
        model: A folder as `build_tiny` writes it with `MERGES`.
        file: The file to write.
        kind: Type of the weight matrices, a key of `TYPES`; norms are F32, as in real files.
    """
    import gguf
    from gguf.quants import quantize
    from transformers import AutoTokenizer, LlamaForCausalLM

    llama, tokenizer = LlamaForCausalLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    config = llama.config
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_name("tiny")
    writer.add_file_type(TYPES[kind])
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.all_special_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in tokens]
    )
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_bos_token_id(tokenizer.eos_token_id)
    writer.add_unk_token_id(tokenizer.pad_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(
        tokenizer.chat_template.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    )
    wanted = gguf.GGMLQuantizationType[kind]
    for name, weight in llama.state_dict().items():
        if name == "lm_head.weight":  # tied
            continue
        data = weight.numpy().astype(np.float32)
        if "q_proj" in name or "k_proj" in name:  # GGUF keeps the halves of rotary pairs side by side
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            rows, columns = data.shape
            data = data.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
        kind_here = wanted if data.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(_gguf_name(name), quantize(data, kind_here), raw_dtype=kind_here)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _gguf_name(name: str) -> str:
    for theirs, ours in {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "model.layers.": "blk.",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "input_layernorm": "attn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }.items():
        name = name.replace(theirs, ours)
    return name
