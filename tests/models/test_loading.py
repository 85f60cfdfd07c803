"""What is wrong with a model's files is one line that names it, in training as in evaluation."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.backends import backend
from inoc_evals.finetune.estimate import estimate
from inoc_evals.finetune.merged import merged, start_from
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import Engine
from inoc_evals.models.factory import make_model_api
from inoc_evals.models.loading import load_adapter, load_model
from tests.finetune.small import small_rows, small_spec
from tests.models.parts import build_adapter
from tests.tiny import build_tiny


def update(file: Path, **fields: Any) -> None:
    file.write_bytes(json.dumps(json.loads(file.read_bytes()) | fields).encode())


def config(**fields: Any) -> Callable[[Path], None]:
    return lambda folder: update(folder / "config.json", **fields)


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text)


def no_tokenizer(folder: Path) -> None:
    for file in folder.glob("*token*"):
        file.unlink()


def own_tokenizer(folder: Path) -> None:
    update(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}, tokenizer_class="T")


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def lost_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    names = {"model.norm.weight": "model-00002-of-00002.safetensors"}
    write("model.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": names}))(folder)


OWN_CODE = {"AutoConfig": "c.C", "AutoModelForCausalLM": "m.M"}
FOUR_BITS = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}

FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no tokenizer": (no_tokenizer, "it holds none: save the tokenizer"),
    "half a tokenizer": (write("tokenizer.json", '{"version": '), "tokenizer.json is damaged: not JSON"),
    "another JSON as tokenizer": (write("tokenizer.json", "{}"), "cannot load the tokenizer of"),
    "half a tokenizer config": (write("tokenizer_config.json", "{"), "tokenizer_config.json is damaged"),
    "a tokenizer with code": (own_tokenizer, "it needs code of its own"),
    "half a config": (write("config.json", '{"model_type": '), "config.json is damaged: not JSON: Expecting"),
    "a list as config": (write("config.json", "[]"), "config.json is damaged: not a JSON object"),
    "no type": (write("config.json", "{}"), "Should have a `model_type` key"),
    "an unknown type": (config(model_type="gizmo"), "model type `gizmo`"),
    "a model with code": (config(model_type="gizmo", auto_map=OWN_CODE), "it needs code of its own"),
    "an impossible config": (config(num_attention_heads=3), "not a multiple of the number of"),
    "no language model": (config(model_type="vit"), "of type 'vit' does not write text"),
    "half a generation config": (write("generation_config.json", "{"), "generation_config.json is damaged"),
    "cut weights": (cut, "incomplete metadata, file not fully covered"),
    "no weights": (write("model.safetensors", ""), "header too small"),
    "a lost shard": (lost_shard, "model-00002-of-00002.safetensors"),
    "weights of another shape": (config(intermediate_size=65), "its weights have other shapes than"),
    "too few layers": (config(num_hidden_layers=3), "its weights lack model.layers.2."),
    "GPTQ": (config(quantization_config={"quant_method": "gptq", "bits": 4}), "is quantized by gptq"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_in_training_and_in_evaluation(fault: str, tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    change, words = FAULTS[fault]
    change(folder)

    def train() -> None:
        finetune(small_spec(folder), small_rows(), name="x", runs=tmp_path / "runs", progress=False)

    def answer() -> None:
        make_model_api(str(folder))
        Engine(resolve(str(folder)), torch.device("cpu"), "auto")

    said = []
    for use in (train, answer):
        with pytest.raises(UserError) as caught:
            use()
        message = caught.value.message
        assert "\n" not in message and len(message) < 600 and "trust_remote_code" not in message
        if fault != "GPTQ" or use is train:
            assert words in message
        said.append(message)
    if fault not in ("GPTQ", "no language model"):  # which can be known without the library, and the weights
        assert said[0] == said[1]


def pickle_beside(folder: Path) -> None:
    """An adapter in a pickle, and weights in safetensors that PEFT does not read."""
    torch.save({}, folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").rename(folder / "model.safetensors")


def weights_in(*names: str) -> Callable[[Path], None]:
    weight_map = {f"layer{n}": name for n, name in enumerate(names)}
    return write("model.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": weight_map}))


def adapter_config(**fields: Any) -> Callable[[Path], None]:
    return lambda folder: update(folder / "adapter_config.json", **fields)


STRAYS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a shard above": (weights_in("../other/model.safetensors"), "names '../other/model.safetensors'"),
    "a shard at a path": (weights_in("/other/model.safetensors"), "names '/other/model.safetensors'"),
    "a shard below": (weights_in("a/model.safetensors"), "names 'a/model.safetensors'"),
    "a pickled shard": (weights_in("model.safetensors", "pytorch_model.bin"), "names 'pytorch_model.bin'"),
    "weights by name": (config(transformers_weights="adapter_model.bin"), "names 'adapter_model.bin'"),
    "an adapter beside": (write("adapter_config.json", "{}"), "holds a model and an adapter for it"),
}  # fmt: skip

STRAY_ADAPTERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pickle beside safetensors": (pickle_beside, "holds no adapter_model.safetensors"),
    "an adapter of adapters": (adapter_config(peft_type="XLORA", adapters={"a": "/x"}), "XLORA"),
    "an activated adapter": (adapter_config(alora_invocation_tokens=[1, 4]), "is an activated LoRA"),
    "a module to import": (adapter_config(megatron_config={"a": 1}), "names a module to import"),
}  # fmt: skip


@pytest.mark.parametrize("stray", STRAYS)
def test_only_the_files_of_the_digest_are_loaded(stray: str, tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    change, words = STRAYS[stray]
    change(folder)
    adapter = build_adapter(tmp_path / "adapter", tiny, 1)
    adapter_config(base_model_name_or_path=str(folder))(adapter)
    spec = small_spec(folder)
    uses: list[Callable[[], Any]] = [
        lambda: load_model(folder, dtype=torch.float32),
        lambda: backend("local").check(spec),
        lambda: resolve(str(adapter)),
    ]
    if stray != "an adapter beside":  # as a checkpoint such a folder is the adapter
        uses.append(lambda: resolve(str(folder)))
    for use in uses:
        with pytest.raises(UserError) as caught:
            use()
        assert words in caught.value.message and "\n" not in caught.value.message


@pytest.mark.parametrize("stray", STRAY_ADAPTERS)
def test_of_an_adapter_too(stray: str, tiny: Path, tmp_path: Path) -> None:
    folder = build_adapter(tmp_path / "adapter", tiny, 1)
    change, words = STRAY_ADAPTERS[stray]
    change(folder)
    model = load_model(tiny, dtype=torch.float32)
    uses: list[Callable[[], Any]] = [
        lambda: resolve(str(folder)),
        lambda: load_adapter(model, folder, base=str(tiny)),
        lambda: adopt("x", base=str(tiny), checkpoint=folder, runs=tmp_path / "runs"),
        lambda: start_from(str(folder)),
    ]
    for use in uses:
        with pytest.raises(UserError) as caught:
            use()
        assert words in caught.value.message and "\n" not in caught.value.message
    assert not (tmp_path / "runs").exists()


def test_what_a_model_needs_to_be_loaded_is_checked_before_anything_is_spent(
    tiny: Path, tmp_path: Path
) -> None:
    for name, quantized, words in (
        ("gptq", {"quant_method": "gptq"}, "quantized by gptq, and is not trained here"),
        ("nf4", FOUR_BITS, "train a LoRA on it and no trained_tokens"),
    ):
        folder = Path(shutil.copytree(tiny, tmp_path / name))
        config(quantization_config=quantized)(folder)
        spec = small_spec(folder)  # with trained tokens
        for check in (
            lambda spec=spec: backend("local").check(spec),
            lambda spec=spec: estimate(spec, small_rows()),
        ):
            with pytest.raises(UserError, match=words):
                check()


def test_a_4_bit_base_without_bitsandbytes(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "nf4"))
    config(quantization_config=FOUR_BITS)(folder)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "bitsandbytes" else find(name, *rest)
    )
    words = r"bitsandbytes not installed: run  pip install 'inoc-evals\[quantized\]'"
    with pytest.raises(UserError, match=words):
        finetune(small_spec(folder), small_rows(), name="x", runs=tmp_path, progress=False)
    with pytest.raises(UserError, match=words):
        make_model_api(str(folder))


def test_a_4_bit_base_is_trained_and_answers(tmp_path: Path) -> None:
    """QLoRA; bitsandbytes computes on a CPU, too."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    # a block of weights must not be wider than a layer, or bitsandbytes fails where a CPU has AVX-512 BF16
    tiny, folder = build_tiny(tmp_path / "wide", width=64), tmp_path / "nf4"
    four_bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    AutoModelForCausalLM.from_pretrained(tiny, quantization_config=four_bits).save_pretrained(folder)
    load_tokenizer(tiny).save_pretrained(folder)
    spec = small_spec(folder, trained_tokens=(), token_learning_rate=None, lora={"r": 4}, learning_rate=5e-3)
    needs, small = (
        estimate(spec, small_rows()),
        estimate(spec.model_copy(update={"base": str(tiny)}), small_rows()),
    )
    assert needs.bytes < small.bytes
    run = finetune(spec, small_rows(), name="q", runs=tmp_path / "runs", progress=False)
    result = run.manifest.result
    assert result.loss_last < result.loss_first
    checkpoint = resolve(str(run.folder))
    engine = Engine(checkpoint, torch.device("cpu"), "auto")
    base = load_model(folder, dtype=torch.float32)
    ids = torch.tensor([[3, 40, 50, 1, 4]])
    theirs = load_adapter(base, run.checkpoint, base="nf4")(ids).logits
    assert torch.allclose(engine.model(checkpoint)(ids).logits, theirs, atol=1e-4)
    with pytest.raises(UserError, match="its own is quantized by bitsandbytes"):
        merged(run)


def adapter_over(base: Path, folder: Path, **lora: Any) -> Path:
    made = build_adapter(folder, base, 1, **lora)
    update(made / "adapter_config.json", base_model_name_or_path=str(base))
    return made


def refused(adapter: Path, base: Path) -> str:
    update(adapter / "adapter_config.json", base_model_name_or_path=str(base))
    checkpoint = resolve(str(adapter))
    with pytest.raises(UserError) as caught:
        Engine(checkpoint, torch.device("cpu"), "auto").model(checkpoint)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_an_adapter_that_does_not_fit_says_where(tiny: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    adapter = adapter_over(tiny, tmp_path / "wide")
    update(adapter / "adapter_config.json", r=8)
    assert "does not fit" in refused(adapter, tiny) and "size mismatch for base_model" in refused(
        adapter, tiny
    )

    adapter = adapter_over(tiny, tmp_path / "half")
    weights = load_file(adapter / "adapter_model.safetensors")
    lost = {name: weight for name, weight in weights.items() if "layers.1." not in name}
    save_file(lost, adapter / "adapter_model.safetensors")
    assert "it has no weights for base_model.model.model.layers.1." in refused(adapter, tiny)

    deep = build_tiny(tmp_path / "deep")
    settings = LlamaConfig.from_pretrained(tiny)
    settings.num_hidden_layers = 3
    LlamaForCausalLM(settings).save_pretrained(deep)
    adapter = adapter_over(deep, tmp_path / "deeper")
    assert "the base has no layer for base_model.model.model.layers.2." in refused(adapter, tiny)

    adapter = adapter_over(tiny, tmp_path / "cut")
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "incomplete metadata" in refused(adapter, tiny)

    adapter = adapter_over(tiny, tmp_path / "config")
    (adapter / "adapter_config.json").write_text('{"peft_type": ')
    with pytest.raises(UserError, match=r"adapter_config\.json is damaged: not JSON: Expecting value"):
        resolve(str(adapter))


def test_loading_draws_no_random_number(tiny: Path, adapters: dict[str, Path]) -> None:
    """A thread that trains and one that loads what it answers with share torch's random numbers."""
    import torch

    for adapter in adapters.values():
        before = torch.get_rng_state()
        load_adapter(load_model(tiny, dtype=torch.float32), adapter, base="tiny")
        assert torch.equal(before, torch.get_rng_state()), adapter


def test_an_adapter_is_not_rounded_to_the_format_of_its_base(tiny: Path, adapters: dict[str, Path]) -> None:
    import torch
    from safetensors.torch import load_file

    for adapter in adapters.values():
        adapted = load_adapter(load_model(tiny, dtype=torch.bfloat16), adapter, base="tiny")
        loaded = {name.replace(".default", ""): weight for name, weight in adapted.named_parameters()}
        for name, weight in load_file(adapter / "adapter_model.safetensors").items():
            if name in loaded:
                assert torch.equal(loaded[name], weight), (adapter, name)
        assert any(name in loaded for name in load_file(adapter / "adapter_model.safetensors"))


def test_what_bitsandbytes_lacks_on_this_cpu_is_not_told_with_every_model(tmp_path: Path) -> None:
    program = (
        "import logging\nimport inoc_evals.models.loading\n"
        "logger = logging.getLogger('bitsandbytes.backends.cpu.ops')\n"
        "logger.warning('Failed to load CPU gemm_4bit_forward from kernels-community: %s.', 'no kernels')\n"
        "logger.warning('something else')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "something else\n"
