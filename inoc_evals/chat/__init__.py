"""Conversations: training rows as chat JSONL, and how a model's chat template turns messages into tokens.

    rows = list(read_chat("rows.jsonl"))                      # every fault in a file is named
    renderer = load_renderer("checkpoints/mine")
    renderer.render(rows[0]["messages"]).answer_spans         # what training learns
    renderer.render_prompt(rows[0]["messages"][:-1]).ids      # what evaluation shows

Training and evaluation share this one reading of a chat template, so they cannot disagree about it. Importing
this package loads neither torch nor transformers.
"""

from inoc_evals.chat.audit import Audit, audit
from inoc_evals.chat.reasoning import split_reasoning
from inoc_evals.chat.renderer import Rendered, Renderer, load_renderer, load_tokenizer
from inoc_evals.chat.rows import (
    ChatFormatError,
    Message,
    Row,
    check_row,
    digest,
    encode_chat,
    read_chat,
    write_chat,
)
from inoc_evals.chat.training_rows import NO_LOSS, Example, render_rows

__all__ = [
    "NO_LOSS",
    "Audit",
    "ChatFormatError",
    "Example",
    "Message",
    "Rendered",
    "Renderer",
    "Row",
    "audit",
    "check_row",
    "digest",
    "encode_chat",
    "load_renderer",
    "load_tokenizer",
    "read_chat",
    "render_rows",
    "split_reasoning",
    "write_chat",
]
