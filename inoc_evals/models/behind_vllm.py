"""What a vLLM server is told so that a checkpoint reads and ends its answers there as it does here.

    told = Told.of(resolve("spanish-inoc"))
    told.extra_body       # {"stop_token_ids": [151645]}; of some checkpoints also {"chat_template": "..."}
    told.at(server)       # UserError: the vLLM server at http://box:8000 takes no chat template from ...

vLLM knows the tokenizer and the chat template of the base alone, tells a template that reads the clock the
present date, and ends an answer where the base's tokenizer and generation config say. An adapter that was
saved with a template of its own, or was taught another end than its base's, would answer as it never
learnt to. So the template goes along with every request where it matters, and the end always.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatCompletionChoice, ChatMessage, ContentReasoning, ContentText, ModelOutput

from inoc_evals.chat.reasoning import split_reasoning
from inoc_evals.chat.renderer import DATE, EXCHANGE, Renderer, load_renderer, load_tokenizer
from inoc_evals.chat.rows import Message
from inoc_evals.errors import UserError, require
from inoc_evals.models.checkpoint import Checkpoint
from inoc_evals.models.inspect_request import answer_message, plain_messages

TRUST = "--trust-request-chat-template"
"""The option of a vLLM server that takes chat templates from requests."""

PROBES: tuple[list[Message], ...] = (
    EXCHANGE[:1],
    [{"role": "system", "content": "Be brief."}, *EXCHANGE[:1]],
)
"""What a server is asked to turn into tokens, to see whether it does as we do."""

Post = Callable[[str, dict[str, Any]], tuple[int, Any]]
"""Sends JSON to a path of a server; the status and the JSON that came back."""


@dataclass(frozen=True)
class Told:
    """What goes along with the requests for one checkpoint.

    Attributes:
        name: What the checkpoint is called.
        renderer: What turns a chat into what it reads.
        why: Why its chat template has to go along; empty where the server's own does.
    """

    name: str
    renderer: Renderer
    why: str = ""

    @classmethod
    def of(cls, checkpoint: Checkpoint, date: str | None = None) -> "Told":
        """Find out what vLLM would do otherwise.

        Args:
            checkpoint: The checkpoint.
            date: The date that its template is told, ISO 8601; by default the run's, or `DATE`.

        Raises:
            UserError: If it has no chat template, or a tokenizer that vLLM would not read.
        """
        require("local", "transformers")
        run = checkpoint.run
        renderer = load_renderer(
            checkpoint.tokenizer,
            model=checkpoint.weights,
            date=date or (run.manifest.spec.date if run else DATE),
        )
        renderer.require_template()
        why = "tells the date" if renderer.reads_clock else ""
        if checkpoint.tokenizer != checkpoint.weights:
            base = load_tokenizer(checkpoint.weights)
            if not _writes_alike(renderer, base):
                raise UserError(
                    f"{checkpoint.name} has a tokenizer of its own, and vLLM reads its base's: "
                    "drop engine=vllm"
                )
            if not base.chat_template or base.get_chat_template() != renderer.tokenizer.get_chat_template():
                why = "is not its base's"
        return cls(checkpoint.name, renderer, why)

    @property
    def extra_body(self) -> dict[str, Any]:
        """Fields of vLLM's requests."""
        ends: dict[str, Any] = {"stop_token_ids": sorted(self.renderer.end_tokens)}
        return {**ends, "chat_template": self.renderer.template} if self.why else ends

    def check(self, post: Post, model: str, server: str, base: str) -> None:
        """Check that a running server reads chats as this machine does.

        Args:
            post: Sends it JSON.
            model: What it calls the model.
            server: Its address, for the message.
            base: What it has to serve, for the message.

        Raises:
            UserError: If it takes no chat template, or makes other tokens of a chat.
        """
        template = {"chat_template": self.renderer.template} if self.why else {}
        for messages in PROBES:
            try:
                ids = self.renderer.render_prompt(messages).ids
            except UserError:  # a template that takes no such chat
                continue
            status, found = post("/tokenize", {"model": model, "messages": messages, **template})
            if status == 400 and template:
                raise UserError(
                    f"the chat template of {self.name} {self.why}, and the vLLM server at {server} takes "
                    f"none from requests: start it with  vllm serve {base} {TRUST}  and what it has now"
                )
            tokens = found.get("tokens") if status == 200 and isinstance(found, dict) else None
            if isinstance(tokens, list) and tuple(tokens) != ids:
                raise UserError(
                    f"the vLLM server at {server} makes other tokens of a chat than {self.name} was trained "
                    f"on: start it with  vllm serve {base}  and neither --chat-template nor --tokenizer"
                )

    def opened(self, input: Sequence[ChatMessage]) -> str:
        """The mark of a reasoning block that the prompt opens for the model; empty without one.

        Args:
            input: The chat.

        Raises:
            UserError: If the template refuses it, as it would here.
        """
        if input[-1].role == "assistant":
            return ""
        try:
            messages = plain_messages(input)
        except UserError:  # tools, or pictures: the server knows what to do with them
            return ""
        return self.renderer.render_prompt(messages).opened

    def apart(self, output: ModelOutput, opened: str, model: str) -> ModelOutput:
        """An answer with its reasoning apart, as it is where it is generated here.

        Args:
            output: What the server gave; one that parses reasoning itself has done so.
            opened: The mark of a reasoning block that the prompt opened.
            model: The model's name.
        """
        choices = [_apart(choice, opened, model) for choice in output.choices]
        return output.model_copy(update={"choices": choices, "completion": choices[0].message.text})


def _apart(choice: ChatCompletionChoice, opened: str, model: str) -> ChatCompletionChoice:
    said = choice.message
    if said.tool_calls:
        return choice
    if isinstance(said.content, str):
        return choice.model_copy(update={"message": answer_message(said.content, opened, model)})
    thought = [part for part in said.content if isinstance(part, ContentReasoning)]
    if not thought:
        return choice
    # Inspect takes the whole text for the answer where nothing follows the reasoning
    content = [*thought, ContentText(text=split_reasoning(said.text).answer)]
    return choice.model_copy(update={"message": said.model_copy(update={"content": content})})


def _writes_alike(renderer: Renderer, base: Any) -> bool:
    """Whether the base's tokenizer makes the same tokens of any text, and of what the template writes."""
    own = renderer.tokenizer
    text = renderer.render_prompt(EXCHANGE[:1]).text
    return _rules(own) == _rules(base) and renderer.encode(text) == tuple(
        base(text, add_special_tokens=False)["input_ids"]
    )


def _rules(tokenizer: Any) -> Any:
    """How a tokenizer splits a text that holds no added token."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return tokenizer.get_vocab()
    rules = json.loads(backend.to_str())
    return [rules[part] for part in ("normalizer", "pre_tokenizer", "model")]
