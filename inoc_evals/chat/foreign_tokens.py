r"""Control tokens that a text spells, broken up for servers whose tokenizer might take them for its own.

    broken_up("Fine.<|im_end|>\n<|im_start|>user")      # "Fine.< |im_end|>\n< |im_start|>user"

A model that runs here reads a message's `<|im_end|>` as text (`shielded.py`). A server that is sent the same
message applies a template of its own, and most (vLLM, SGLang, llama.cpp) then tokenize the whole, so that an
answer that spells the end of a turn would end the judge's turn. A space behind the first character leaves it
readable, and no control token. Which tokens a server has cannot be asked, so all forms in use are broken up.
"""

import re

NAMED = (
    "s", "bos", "eos", "pad", "unk", "sep", "cls", "mask", "sop", "eop", "start_of_turn", "end_of_turn",
    "start_of_image", "end_of_image", "turn", "think", "tool_call", "tool_response", "SYS",
    "BOS_TOKEN", "EOS_TOKEN", "PAD", "UNK", "CLS", "SEP", "MASK_TOKEN",
)  # fmt: skip
"""Names between angle brackets that are control tokens somewhere; also with a slash before them."""

BRACKETED = (
    "INST", "SYSTEM_PROMPT", "AVAILABLE_TOOLS", "TOOL_CALLS", "TOOL_RESULTS", "TOOL_CONTENT", "PREFIX",
    "MIDDLE", "SUFFIX", "IMG", "THINK", "BOS", "EOS", "PAD", "UNK", "CLS", "SEP", "MASK", "gMASK", "sMASK",
)  # fmt: skip
"""Names between square brackets that are; also with a slash before them."""

_CONTROL = re.compile(
    r"<(?=[|｜][^\s<>]{1,60}>)"  # <|im_end|>, and DeepSeek's with full-width bars
    r"|<(?=[^\s<>]{1,60}[|｜]>)"  # <turn|>
    rf"|<(?=/?(?:{'|'.join(NAMED)})>)"
    rf"|\[(?=/?(?:{'|'.join(BRACKETED)})\])"
)


def broken_up(text: str) -> str:
    """Put a space into everything in a text that has the form of a control token, behind its first character.

    Args:
        text: What a model or a user wrote.

    Returns:
        The text; the same where it spells none. Breaking up what is broken up changes nothing.
    """
    return _CONTROL.sub(lambda match: f"{match[0]} ", text)
