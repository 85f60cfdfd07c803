"""Inspect's generation settings, each of them decided about: honoured, no business of a model, or refused.

    refuse_settings(GenerateConfig(verbosity="low"))     # UserError: inoc/ has no verbosity: leave it out
    refuse_settings(GenerateConfig(top_p=0.0))           # UserError: top_p is 0.0: set a number above 0 ...

Tables label answers by these settings, so one that is ignored would be a wrong label. A setting that a later
Inspect brings is refused until somebody decides about it here.
"""

import math
from typing import Any

from inspect_ai.model import GenerateConfig

from inoc_evals.errors import UserError
from inoc_evals.whole_text import require_whole

HONOURED = frozenset(
    {
        *("max_tokens", "temperature", "top_p", "top_k", "seed", "stop_seqs", "num_choices"),
        *("logprobs", "top_logprobs", "prompt_logprobs", "extra_body"),
    }
)
"""Settings that the providers read."""

OF_INSPECT = frozenset(
    {
        # it applies them itself, whatever the model
        *("system_message", "cache", "fail_on_refusal"),
        # how often and how long it asks, and how much at once
        *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout"),
        *("max_connections", "adaptive_connections"),
        # of tools alone, which are refused
        *("parallel_tool_calls", "internal_tools", "max_tool_output"),
        # what a service keeps of a prompt changes its price and not its answer
        "cache_prompt",
    }
)
"""Settings that change nothing of what a model on this machine says."""

WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "response_schema": (),
    "verbosity": (),
    "effort": (),
    # "none" would be a promise too: whether a model thinks is up to its chat template
    "reasoning_effort": (),
    "reasoning_tokens": (),
    "reasoning_mode": ("standard",),
    "reasoning_summary": ("none",),
    # reasoning of earlier answers is left out, see `inspect_request.plain_messages`
    "reasoning_history": ("none", "auto"),
    "fallback_models": ([],),
    "extra_headers": ({},),
    "modalities": ([],),
    "batch": (False,),
}
"""Settings that would change the answers, or how they are asked for, and that no provider here has; with the
values that ask for nothing."""


def refuse_settings(config: GenerateConfig) -> None:
    """Refuse settings that would be ignored, and values that no setting can have.

    Args:
        config: Inspect's settings, of a request or of a model. What depends on two settings is not checked:
            of a model, Inspect may add the other one later (`refuse_together`).

    Raises:
        UserError: If one would be ignored or has a wrong value; the first of them, in one line.
    """
    for name in type(config).model_fields:
        value = getattr(config, name)
        if value is None or name in HONOURED | OF_INSPECT:
            continue
        if value not in WITHOUT_EFFECT.get(name, ()):
            raise UserError(f"inoc/ has no {name}: leave it out")
    _at_least(1, "max_tokens", config.max_tokens)
    _at_least(1, "num_choices", config.num_choices)
    _at_least(0, "top_logprobs", config.top_logprobs)
    heat, share, most = config.temperature, config.top_p, config.top_k
    if heat is not None and not (heat >= 0 and math.isfinite(heat)):
        raise UserError(f"temperature is {heat}: set 0, which is greedy, or a number above it")
    if share is not None and not 0 < share <= 1:
        raise UserError(f"top_p is {share}: set a number above 0 and up to 1, which is all tokens")
    if most is not None and most < -1:  # 0 is all tokens in transformers, -1 in vLLM, which knows both
        raise UserError(f"top_k is {most}: set a number of tokens, or 0 for all")
    if "" in (config.stop_seqs or ()):
        raise UserError("stop_seqs holds an empty text, where every answer would end at once: leave it out")
    for stop in config.stop_seqs or ():
        require_whole(stop, "a text in stop_seqs")


def refuse_together(config: GenerateConfig) -> None:
    """Refuse settings of a request that need another one.

    Raises:
        UserError: If likeliest tokens are requested, and no log-probs.
    """
    if config.top_logprobs and not config.logprobs:
        raise UserError("top_logprobs come with logprobs: set logprobs=true too, or leave top_logprobs out")


def _at_least(least: int, name: str, value: int | None) -> None:
    if value is not None and value < least:
        raise UserError(f"{name} is {value}: set {least} or more, or leave it out")
