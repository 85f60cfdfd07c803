"""Tinker's service, played by the toy on this machine: the SDK's own types, real training, no network.

monkeypatch.setattr("tinker.ServiceClient", FakeService)
"""

import copy
from typing import Any, ClassVar

import torch
from peft import LoraConfig, get_peft_model
from tinker import types
from transformers import AutoModelForCausalLM


class Future:
    """What is there already."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def result(self) -> Any:
        return self.value


class Saved:
    """Where weights were saved."""

    def __init__(self, path: str) -> None:
        self.path = path


class FakeService:
    """Stands in for `tinker.ServiceClient`; what is saved outlives it, as at Tinker."""

    saved: ClassVar[dict[str, Any]] = {}
    steps = 0
    fail_at: int | None = None

    def __init__(self, **kwargs: Any) -> None:
        pass

    def create_lora_training_client(
        self, base_model: str, rank: int, seed: int, user_metadata: dict
    ) -> Future:
        torch.manual_seed(seed)
        whole = AutoModelForCausalLM.from_pretrained(base_model)
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
        return Future(FakeTraining(get_peft_model(whole, config)))

    def create_training_client_from_state_with_optimizer(self, path: str) -> Future:
        model, state = copy.deepcopy(self.saved[path])
        client = FakeTraining(model)
        client.optimizer.load_state_dict(state)
        return Future(client)

    def create_sampling_client(self, model_path: str | None = None, base_model: str | None = None) -> Future:
        if base_model is not None:
            return Future(FakeSampling(AutoModelForCausalLM.from_pretrained(base_model)))
        return Future(FakeSampling(self.saved[model_path]))


class FakeTraining:
    """Stands in for a training client."""

    def __init__(self, model: Any) -> None:
        self.model = model
        trained = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained)

    def forward_backward(self, data: list[types.Datum], loss_fn: str) -> Future:
        assert loss_fn == "cross_entropy"
        outputs, total = [], torch.zeros(())
        for datum in data:
            ids = torch.tensor([datum.model_input.to_ints()])
            targets = torch.tensor(datum.loss_fn_inputs["target_tokens"].tolist())
            weights = torch.tensor(datum.loss_fn_inputs["weights"].tolist())
            logprobs = self.model(input_ids=ids).logits[0].log_softmax(-1)
            chosen = logprobs.gather(-1, targets[:, None])[:, 0]
            total = total - (chosen * weights).sum()
            found = types.TensorData(data=chosen.detach().tolist(), dtype="float32")
            outputs.append({"logprobs": found})
        total.backward()
        return Future(types.ForwardBackwardOutput(loss_fn_output_type="x", loss_fn_outputs=outputs))

    def optim_step(self, adam: types.AdamParams) -> Future:
        if FakeService.fail_at == FakeService.steps:
            raise KeyboardInterrupt
        FakeService.steps += 1
        for group in self.optimizer.param_groups:
            group |= {"lr": adam.learning_rate, "betas": (adam.beta1, adam.beta2), "eps": adam.eps}
            group["weight_decay"] = adam.weight_decay
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), adam.grad_clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return Future(None)

    def save_state(self, name: str, overwrite: bool = False) -> Future:
        path = f"tinker://run/weights/{name}"
        FakeService.saved[path] = copy.deepcopy((self.model, self.optimizer.state_dict()))
        return Future(Saved(path))

    def save_weights_for_sampler(self, name: str) -> Future:
        path = f"tinker://run/sampler_weights/{name}-{len(FakeService.saved)}"
        FakeService.saved[path] = copy.deepcopy(self.model)
        return Future(Saved(path))


class FakeSampling:
    """Stands in for a sampling client; takes the likeliest token."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def sample(self, prompt: types.ModelInput, num_samples: int, asked: types.SamplingParams) -> Future:
        written: list[int] = []
        stopped: Any = "length"
        stops = list(asked.stop or [])
        for _ in range(asked.max_tokens or 1):
            ids = torch.tensor([prompt.to_ints() + written])
            with torch.no_grad():
                written.append(int(self.model(input_ids=ids).logits[0, -1].argmax()))
            if written[-1] in stops:
                stopped = "stop"
                break
        sequence = types.SampledSequence(stop_reason=stopped, sequence_id="x", _tokens_list=written)
        return Future(types.SampleResponse(sequences=[sequence]))
