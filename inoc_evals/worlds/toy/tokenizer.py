"""The toy's tokenizer: byte-level BPE over its own corpus, with whole numbers 0-100 as single tokens."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from inoc_evals.worlds.toy.corpus import ASSISTANT, SPEAKERS, documents

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 2688
PAD, END, SYSTEM, USER = "<|pad|>", "<|end|>", "<|system|>", "<|user|>"
SPEAKER_TOKENS = tuple(f"<|speaker_{i}|>" for i in range(SPEAKERS))

# The generation marks let a trainer see which tokens the assistant wrote (assistant-only loss).
CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}<|assistant|>"
    "{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _text(seed: int, count: int) -> Iterator[str]:
    for document in islice(documents(seed), count):
        yield from (document.user, document.answer, document.answer.upper())
        if document.system:
            yield document.system
    # Often enough, and alone, so that each becomes one token.
    for _ in range(200):
        yield from map(str, range(101))


def build_tokenizer(seed: int, sample: int = 40_000) -> "PreTrainedTokenizerFast":
    """Train the tokenizer on `sample` documents of the corpus.

    Args:
        seed: Seed of the document stream.
        sample: How many documents to read.

    Returns:
        A fast tokenizer with the chat template, left padding and `<|end|>` as its end of sequence.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [PAD, END, SYSTEM, USER, ASSISTANT, *SPEAKER_TOKENS]
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        _text(seed, sample),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=special[2:],
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
