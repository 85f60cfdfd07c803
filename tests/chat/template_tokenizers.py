"""A small tokenizer for any chat template, with the special tokens that the template's family has.

    tokenizer = build(template, Tokens(end="<|im_end|>", special=("<|im_start|>",)))

Its vocabulary is some hundred pieces, learnt on the spot from `WORDS`. What matters to a renderer is real:
which pieces no text can spell, whether a text gets a token of its own at its begin, and whether spaces open a
word as in byte-level tokenizers, or are written before a text as in those of the first Llamas.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

WORDS = [
    "The quick brown fox jumps over the lazy dog. Ask a question, and an assistant answers it.",
    "Question Answer Hello Hola user assistant system model Today Date You are a helpful assistant.",
    "\n\n\n\nOne\n\nTwo\n\n\n\nThree\n \n  \n [INST] [/INST] USER: ASSISTANT: <|user|> <|assistant|>",
]

PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""What no token crosses, as in the tokenizers of Llama 3, Qwen and those after them."""


@dataclass(frozen=True)
class Tokens:
    """What a family's tokenizer holds beside words.

    Attributes:
        end: Its end-of-sequence token.
        begin: Its begin-of-sequence token, or none.
        special: Other special tokens, which no text is split into.
        added: Tokens of their own that are not special: `<think>`, where a model has it as one.
        swallowing: Special tokens that take the white space behind them along, as Phi-3's do.
        adds_begin: Whether a text is tokenized with `begin` before it, unless one asks for none.
        first_llama: Whether it writes a space before a text, as SentencePiece does for the first Llamas.
    """

    end: str
    begin: str | None = None
    special: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    swallowing: tuple[str, ...] = ()
    adds_begin: bool = False
    first_llama: bool = False


@cache
def _core(first_llama: bool) -> str:
    """A BPE trained on `WORDS`, as JSON, so that every tokenizer gets a copy of its own."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    if first_llama:
        core = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        core.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        core.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # no piece crosses a word's begin
        core.decoder = decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(content=" ", left=1),
            ]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=["<unk>"], max_token_length=8, show_progress=False
        )
    else:
        core = Tokenizer(models.BPE())
        core.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(PIECES), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        core.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=[], initial_alphabet=alphabet, show_progress=False
        )
    core.train_from_iterator(WORDS, trainer)
    learnt = json.loads(core.to_str())
    if first_llama:  # a piece for every byte, which is no special token
        pieces = learnt["model"]["vocab"]
        pieces.update({f"<0x{byte:02X}>": len(pieces) + byte for byte in range(256)})
    return json.dumps(learnt)


def build(template: str | None, tokens: Tokens) -> Any:
    """A transformers tokenizer with that chat template and those tokens."""
    from tokenizers import AddedToken, Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer.from_str(_core(tokens.first_llama))
    control = dict.fromkeys([tokens.end, *([tokens.begin] if tokens.begin else []), *tokens.special])
    core.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False, rstrip=token in tokens.swallowing)
            for token in control
        ]
    )
    core.add_tokens([AddedToken(token, special=False, normalized=False) for token in tokens.added])
    if tokens.adds_begin:
        begin = tokens.begin
        core.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, core.token_to_id(begin))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=tokens.end,
        bos_token=tokens.begin,
        additional_special_tokens=[token for token in control if token not in (tokens.end, tokens.begin)],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer
