import json
from pathlib import Path

from inoc_evals.chat.renderer import load_tokenizer
from tests.real_model import smollm, variant


def test_a_variant_differs_in_what_was_asked_for_and_shares_the_weights(tmp_path: Path) -> None:
    folder = variant(
        tmp_path / "model", chat_template="{{ 'hello' }}", eos_token="<|endoftext|>", generation_eos=[2, 0]
    )
    tokenizer, original = load_tokenizer(folder), load_tokenizer(smollm())
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("<|endoftext|>", 0)
    assert (original.eos_token, original.eos_token_id) == ("<|im_end|>", 2)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) == "hello"
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2, 0]
    assert (folder / "model.safetensors").samefile(
        smollm() / "model.safetensors"
    ) or tmp_path.stat().st_dev != smollm().stat().st_dev
    assert tokenizer.encode("It is a real model: 12 + 3 = 15") == original.encode(
        "It is a real model: 12 + 3 = 15"
    )
