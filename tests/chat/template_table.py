"""What the chat templates of the most used open families do: one row a family, held by tests.

    python -m tests.chat.template_table        # writes the rows into docs/chat-models.md

The templates lie beside this file in `templates/`; SOURCES.md there says where each comes from. In the rows a
`…` stands for any text, so that long default prompts need not be repeated, and the clock stands at `TODAY`.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from tests.chat.template_tokenizers import Tokens, build

TEMPLATES = Path(__file__).parent / "templates"
PAGE = Path(__file__).parents[2] / "docs" / "chat-models.md"
TODAY = date(2024, 7, 26)

System = Literal["kept", "merged into the user's turn", "refused"]
Later = Literal["kept", "moved to the start", "left out", "refused"]
Reasoning = Literal[
    "none", "empty block in training", "empty block in every prompt", "opened in the prompt", "channels"
]


@dataclass(frozen=True)
class Family:
    """One chat template, and what it does.

    Attributes:
        name: The family.
        template: The file in `templates/`, without its ending.
        tokens: What its tokenizer holds beside words.
        prompt: What `Hi` is asked as.
        system: What becomes of a system message at the start.
        prompted: What `Hi` is asked as behind the system message `Shout.`; empty where that is refused.
        lost: Whether a system message is gone from the text once the answer is in it.
        added: What the whole exchange adds to the prompt, where the answer is `Yo`; None where it does not
            start with the prompt.
        told: What the model is told without a system message; empty for nothing.
        always: Whether it is told that also beside a system message.
        later: What becomes of a system message further on.
        date: Whether `told` holds the date of today.
        reasoning: What is added for reasoning. (GLM-4.5's empty block is not: behind the prompt stands the
            answer alone, with the end that its template does not write.)
        drops_reasoning: Whether the `<think>` block of a last answer is left out.
        ends: What ends an answer: the tokenizer's end token, what the template writes, and `configured`.
        written: The one that training ends an answer with.
        configured: The end tokens in the model's generation config, where they are more.
        alternation: Whether user and assistant must take turns.
        trims: Whether white space around an answer is cut.
        several_answers: Whether earlier answers are rendered as they were asked for.
    """

    name: str
    template: str
    tokens: Tokens
    prompt: str
    system: System
    prompted: str
    added: str | None
    ends: tuple[str, ...]
    written: str
    configured: tuple[str, ...] = ()
    told: str = ""
    always: bool = False
    lost: bool = False
    later: Later = "kept"
    date: bool = False
    reasoning: Reasoning = "none"
    drops_reasoning: bool = False
    alternation: bool = False
    trims: bool = False
    several_answers: bool = True

    def tokenizer(self) -> Any:
        """A small tokenizer with the family's template and special tokens."""
        text = (TEMPLATES / f"{self.template}.jinja").read_text(encoding="utf-8")
        return build(text, self.tokens)


def like(pattern: str, text: str) -> bool:
    """Whether a text is what a row says, `…` standing for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), text, re.DOTALL) is not None


THINK = ("<think>", "</think>")
CHATML = ("<|im_start|>", "<|endoftext|>")
HI = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
QWEN = Tokens("<|im_end|>", special=CHATML)
QWEN_THINKING = Tokens("<|im_end|>", special=CHATML, added=THINK)
SHOUT = "<|im_start|>system\nShout.<|im_end|>\n"
FIRST_LLAMA = Tokens("</s>", "<s>", adds_begin=True, first_llama=True)
LLAMA_3 = Tokens(
    "<|eot_id|>",
    "<|begin_of_text|>",
    special=("<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|end_of_text|>"),
    adds_begin=True,
)
LLAMA_3_HI = (
    "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
LLAMA_3_SYSTEM = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
MISTRAL = Tokens("</s>", "<s>", special=("[INST]", "[/INST]"), adds_begin=True)
MISTRAL_7 = Tokens(
    "</s>",
    "<s>",
    special=("[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    adds_begin=True,
)
GEMMA = Tokens("<eos>", "<bos>", special=("<start_of_turn>", "<end_of_turn>"), adds_begin=True)
GEMMA_HI = "Hi<end_of_turn>\n<start_of_turn>model\n"
PHI_3_ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
PHI_3 = Tokens("<|endoftext|>", "<s>", special=PHI_3_ROLES, swallowing=PHI_3_ROLES, first_llama=True)
PHI_3_HI = "<|user|>\nHi<|end|>\n<|assistant|>\n"
PHI_4 = Tokens("<|im_end|>", "<|endoftext|>", special=("<|im_start|>", "<|im_sep|>"))
PHI_4_HI = "<|im_start|>user<|im_sep|>Hi<|im_end|><|im_start|>assistant<|im_sep|>"
PHI_4_SYSTEM = "<|im_start|>system<|im_sep|>"
DEEPSEEK_ENDS = ("<｜end▁of▁sentence｜>",)
DEEPSEEK = Tokens(
    "<｜end▁of▁sentence｜>",
    "<｜begin▁of▁sentence｜>",
    added=("<｜User｜>", "<｜Assistant｜>", *THINK),
    adds_begin=True,
)
DEEPSEEK_HI = "<｜User｜>Hi<｜Assistant｜>"
GRANITE = Tokens("<|end_of_text|>", "<|end_of_text|>", special=("<|start_of_role|>", "<|end_of_role|>"))
GRANITE_SYSTEM = "<|start_of_role|>system<|end_of_role|>"
GRANITE_HI = (
    "<|start_of_role|>user<|end_of_role|>Hi<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
)
GLM = Tokens(
    "<|endoftext|>",
    special=("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    added=THINK,
)
GLM_ENDS = ("<|endoftext|>", "<|user|>", "<|observation|>")
COHERE_ROLES = ("<|START_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>")
COHERE_HI = (
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
)
COHERE_SYSTEM = "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>"

FAMILIES = (
    Family(
        name="Llama 2",
        template="llama2",
        tokens=FIRST_LLAMA,
        prompt="<s>[INST] Hi [/INST]",
        system="merged into the user's turn",
        prompted="<s>[INST] <<SYS>>\nShout.\n<</SYS>>\n\nHi [/INST]",
        added=" Yo </s>",
        ends=("</s>",),
        written="</s>",
        later="refused",
        alternation=True,
        trims=True,
    ),
    Family(
        name="Llama 3",
        template="llama3",
        tokens=LLAMA_3,
        prompt=f"<|begin_of_text|>{LLAMA_3_HI}",
        system="kept",
        prompted=f"{LLAMA_3_SYSTEM}Shout.<|eot_id|>{LLAMA_3_HI}",
        added="Yo<|eot_id|>",
        ends=("<|eot_id|>", "<|end_of_text|>"),
        written="<|eot_id|>",
        configured=("<|eot_id|>", "<|end_of_text|>"),
        trims=True,
    ),
    Family(
        name="Llama 3.1, 3.3",
        template="llama3_1",
        tokens=LLAMA_3,
        prompt=f"{LLAMA_3_SYSTEM}Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        f"<|eot_id|>{LLAMA_3_HI}",
        system="kept",
        prompted=f"{LLAMA_3_SYSTEM}Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        f"Shout.<|eot_id|>{LLAMA_3_HI}",
        added="Yo<|eot_id|>",
        ends=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
        written="<|eot_id|>",
        configured=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
        told="Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024",
        always=True,
        trims=True,
    ),
    Family(
        name="Llama 3.2",
        template="llama3_2",
        tokens=LLAMA_3,
        prompt=f"{LLAMA_3_SYSTEM}Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        f"<|eot_id|>{LLAMA_3_HI}",
        system="kept",
        prompted=f"{LLAMA_3_SYSTEM}Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        f"Shout.<|eot_id|>{LLAMA_3_HI}",
        added="Yo<|eot_id|>",
        ends=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
        written="<|eot_id|>",
        configured=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
        told="Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024",
        always=True,
        date=True,
        trims=True,
    ),
    Family(
        name="Llama 4",
        template="llama4",
        tokens=Tokens(
            "<|eot|>",
            "<|begin_of_text|>",
            special=("<|header_start|>", "<|header_end|>", "<|end_of_text|>"),
            adds_begin=True,
        ),
        prompt="<|begin_of_text|><|header_start|>user<|header_end|>\n\nHi<|eot|>"
        "<|header_start|>assistant<|header_end|>\n\n",
        system="kept",
        prompted="<|begin_of_text|><|header_start|>system<|header_end|>\n\nShout.<|eot|>"
        "<|header_start|>user<|header_end|>\n\nHi<|eot|><|header_start|>assistant<|header_end|>\n\n",
        added="Yo<|eot|>",
        ends=("<|eot|>",),
        written="<|eot|>",
    ),
    Family(
        name="Qwen2.5",
        template="qwen2_5",
        tokens=QWEN,
        prompt="<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        f"<|im_end|>\n{HI}",
        system="kept",
        prompted=f"{SHOUT}{HI}",
        added="Yo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
        told="You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    ),
    Family(
        name="Qwen3",
        template="qwen3",
        tokens=QWEN_THINKING,
        prompt=HI,
        system="kept",
        prompted=f"{SHOUT}{HI}",
        added="<think>\n\n</think>\n\nYo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
        reasoning="empty block in training",
        several_answers=False,
    ),
    Family(
        name="Qwen3 Instruct 2507",
        template="qwen3_instruct_2507",
        tokens=QWEN_THINKING,
        prompt=HI,
        system="kept",
        prompted=f"{SHOUT}{HI}",
        added="Yo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
    ),
    Family(
        name="Qwen3.5",
        template="qwen3_5",
        tokens=QWEN_THINKING,
        prompt=f"{HI}<think>\n",
        system="kept",
        prompted=f"{SHOUT}{HI}<think>\n",
        added="\n</think>\n\nYo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
        later="refused",
        reasoning="opened in the prompt",
        trims=True,
        several_answers=False,
    ),
    Family(
        name="QwQ",
        template="qwq",
        tokens=QWEN_THINKING,
        prompt=f"{HI}<think>\n",
        system="kept",
        prompted=f"{SHOUT}{HI}<think>\n",
        added=None,
        ends=("<|im_end|>",),
        written="<|im_end|>",
        reasoning="opened in the prompt",
        several_answers=False,
    ),
    Family(
        name="Mistral 7B v0.1, v0.2",
        template="mistral_v1",
        tokens=FIRST_LLAMA,
        prompt="<s> [INST] Hi [/INST]",
        system="merged into the user's turn",
        prompted="<s> [INST] Shout.\n\nHi [/INST]",
        added=" Yo</s>",
        ends=("</s>",),
        written="</s>",
        later="refused",
        alternation=True,
    ),
    Family(
        name="Mistral 7B v0.3, Nemo",
        template="mistral_v3_tekken",
        tokens=MISTRAL,
        prompt="<s>[INST]Hi[/INST]",
        system="merged into the user's turn",
        lost=True,
        prompted="<s>[INST]Shout.\n\nHi[/INST]",
        added="Yo</s>",
        ends=("</s>",),
        written="</s>",
        later="refused",
        alternation=True,
        several_answers=False,
    ),
    Family(
        name="Mistral Small 3",
        template="mistral_v7",
        tokens=MISTRAL_7,
        prompt="<s>[SYSTEM_PROMPT]You are Mistral Small 3, …The current date is 2024-07-26.…"
        "[/SYSTEM_PROMPT][INST]Hi[/INST]",
        system="kept",
        prompted="<s>[SYSTEM_PROMPT]Shout.[/SYSTEM_PROMPT][INST]Hi[/INST]",
        added="Yo</s>",
        ends=("</s>",),
        written="</s>",
        told="You are Mistral Small 3, …The current date is 2024-07-26.…",
        date=True,
    ),
    Family(
        name="Mistral Small 3.2",
        template="mistral_small_3_2",
        tokens=MISTRAL_7,
        prompt="<s>[SYSTEM_PROMPT]You are Mistral Small 3, …The current date is 2024-07-26.…"
        "[/SYSTEM_PROMPT][INST]Hi[/INST]",
        system="kept",
        prompted="<s>[SYSTEM_PROMPT]Shout.[/SYSTEM_PROMPT][INST]Hi[/INST]",
        added="Yo</s>",
        ends=("</s>",),
        written="</s>",
        told="You are Mistral Small 3, …The current date is 2024-07-26.…",
        later="refused",
        date=True,
        alternation=True,
    ),
    Family(
        name="Gemma 1, 2",
        template="gemma2",
        tokens=GEMMA,
        prompt=f"<bos><start_of_turn>user\n{GEMMA_HI}",
        system="refused",
        prompted="",
        added="Yo<end_of_turn>\n",
        ends=("<end_of_turn>", "<eos>"),
        written="<end_of_turn>",
        later="refused",
        alternation=True,
        trims=True,
    ),
    Family(
        name="Gemma 3",
        template="gemma3",
        tokens=GEMMA,
        prompt=f"<bos><start_of_turn>user\n{GEMMA_HI}",
        system="merged into the user's turn",
        prompted=f"<bos><start_of_turn>user\nShout.\n\n{GEMMA_HI}",
        added="Yo<end_of_turn>\n",
        ends=("<end_of_turn>", "<eos>"),
        written="<end_of_turn>",
        later="refused",
        alternation=True,
        trims=True,
    ),
    Family(
        name="Gemma 4",
        template="gemma4",
        tokens=Tokens(
            "<eos>",
            "<bos>",
            special=("<|turn>", "<turn|>", "<|think|>", "<|channel>", "<channel|>"),
            adds_begin=True,
        ),
        prompt="<bos><|turn>user\nHi<turn|>\n<|turn>model\n",
        system="kept",
        prompted="<bos><|turn>system\nShout.<turn|>\n<|turn>user\nHi<turn|>\n<|turn>model\n",
        added="Yo<turn|>\n",
        ends=("<eos>", "<turn|>"),
        written="<turn|>",
        trims=True,
    ),
    Family(
        name="Phi-3",
        template="phi3",
        tokens=PHI_3,
        prompt=PHI_3_HI,
        system="kept",
        prompted=f"<|system|>\nShout.<|end|>\n{PHI_3_HI}",
        added="Yo<|end|>\n<|endoftext|>",
        ends=("<|endoftext|>", "<|end|>"),
        written="<|end|>",
    ),
    Family(
        name="Phi-3.5",
        template="phi3_5",
        tokens=PHI_3,
        prompt=PHI_3_HI,
        system="kept",
        prompted=f"<|system|>\nShout.<|end|>\n{PHI_3_HI}",
        added="Yo<|end|>\n<|endoftext|>",
        ends=("<|endoftext|>", "<|end|>"),
        written="<|end|>",
    ),
    Family(
        name="Phi-4",
        template="phi4",
        tokens=PHI_4,
        prompt=PHI_4_HI,
        system="kept",
        prompted=f"{PHI_4_SYSTEM}Shout.<|im_end|>{PHI_4_HI}",
        added="Yo<|im_end|>",
        ends=("<|im_end|>",),
        written="<|im_end|>",
    ),
    Family(
        name="Phi-4-reasoning",
        template="phi4_reasoning",
        tokens=PHI_4,
        prompt=f"{PHI_4_SYSTEM}You are Phi, a language model trained by Microsoft to help users.…"
        f"<|im_end|>{PHI_4_HI}",
        system="kept",
        prompted=f"{PHI_4_SYSTEM}Shout.<|im_end|>{PHI_4_HI}",
        added="Yo<|im_end|>",
        ends=("<|im_end|>",),
        written="<|im_end|>",
        told="You are Phi, a language model trained by Microsoft to help users.…",
        later="left out",
    ),
    Family(
        name="OLMo 2",
        template="olmo2",
        tokens=Tokens("<|endoftext|>", "<|endoftext|>"),
        prompt="<|endoftext|><|user|>\nHi\n<|assistant|>\n",
        system="kept",
        prompted="<|endoftext|><|system|>\nShout.\n<|user|>\nHi\n<|assistant|>\n",
        added="Yo<|endoftext|>",
        ends=("<|endoftext|>",),
        written="<|endoftext|>",
    ),
    Family(
        name="DeepSeek V2",
        template="deepseek_v2",
        tokens=DEEPSEEK,
        prompt=f"<｜begin▁of▁sentence｜>{DEEPSEEK_HI}",
        system="kept",
        prompted=f"<｜begin▁of▁sentence｜>Shout.\n\n{DEEPSEEK_HI}",
        added="Yo<｜end▁of▁sentence｜>",
        ends=DEEPSEEK_ENDS,
        written="<｜end▁of▁sentence｜>",
    ),
    Family(
        name="DeepSeek V3",
        template="deepseek_v3",
        tokens=DEEPSEEK,
        prompt=f"<｜begin▁of▁sentence｜>{DEEPSEEK_HI}",
        system="kept",
        prompted=f"<｜begin▁of▁sentence｜>Shout.{DEEPSEEK_HI}",
        added="Yo<｜end▁of▁sentence｜>",
        ends=DEEPSEEK_ENDS,
        written="<｜end▁of▁sentence｜>",
        later="moved to the start",
        drops_reasoning=True,
    ),
    Family(
        name="DeepSeek V3.1",
        template="deepseek_v3_1",
        tokens=DEEPSEEK,
        prompt=f"<｜begin▁of▁sentence｜>{DEEPSEEK_HI}<think></think>",
        system="kept",
        prompted=f"<｜begin▁of▁sentence｜>Shout.{DEEPSEEK_HI}<think></think>",
        added="Yo<｜end▁of▁sentence｜>",
        ends=DEEPSEEK_ENDS,
        written="<｜end▁of▁sentence｜>",
        later="moved to the start",
        reasoning="empty block in every prompt",
        drops_reasoning=True,
    ),
    Family(
        name="DeepSeek R1",
        template="deepseek_r1",
        tokens=DEEPSEEK,
        prompt=f"<｜begin▁of▁sentence｜>{DEEPSEEK_HI}<think>\n",
        system="kept",
        prompted=f"<｜begin▁of▁sentence｜>Shout.{DEEPSEEK_HI}<think>\n",
        added=None,
        ends=DEEPSEEK_ENDS,
        written="<｜end▁of▁sentence｜>",
        later="moved to the start",
        reasoning="opened in the prompt",
        drops_reasoning=True,
        several_answers=False,
    ),
    Family(
        name="DeepSeek R1 Distill",
        template="deepseek_r1_distill",
        tokens=DEEPSEEK,
        prompt=f"<｜begin▁of▁sentence｜>{DEEPSEEK_HI}<think>\n",
        system="kept",
        prompted=f"<｜begin▁of▁sentence｜>Shout.{DEEPSEEK_HI}<think>\n",
        added=None,
        ends=DEEPSEEK_ENDS,
        written="<｜end▁of▁sentence｜>",
        later="moved to the start",
        reasoning="opened in the prompt",
        drops_reasoning=True,
        several_answers=False,
    ),
    Family(
        name="Granite 3",
        template="granite3",
        tokens=GRANITE,
        prompt=f"{GRANITE_SYSTEM}Knowledge Cutoff Date: April 2024. Today's Date: July 26, 2024. You are "
        f"Granite, developed by IBM. You are a helpful AI assistant.<|end_of_text|>\n{GRANITE_HI}",
        system="kept",
        prompted=f"{GRANITE_SYSTEM}Shout.<|end_of_text|>\n{GRANITE_HI}",
        added="Yo<|end_of_text|>\n",
        ends=("<|end_of_text|>",),
        written="<|end_of_text|>",
        told="Knowledge Cutoff Date: April 2024. Today's Date: July 26, 2024. You are Granite, developed by "
        "IBM. You are a helpful AI assistant.",
        date=True,
    ),
    Family(
        name="Granite 4",
        template="granite4",
        tokens=GRANITE,
        prompt=f"{GRANITE_SYSTEM}You are a helpful assistant. Please ensure responses are professional, "
        f"accurate, and safe.<|end_of_text|>\n{GRANITE_HI}",
        system="kept",
        prompted=f"{GRANITE_SYSTEM}Shout.<|end_of_text|>\n{GRANITE_HI}",
        added="Yo<|end_of_text|>\n",
        ends=("<|end_of_text|>",),
        written="<|end_of_text|>",
        told="You are a helpful assistant. Please ensure responses are professional, accurate, and safe.",
    ),
    Family(
        name="SmolLM2",
        template="smollm2",
        tokens=Tokens("<|im_end|>", "<|im_start|>", special=CHATML),
        prompt="<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        f"<|im_end|>\n{HI}",
        system="kept",
        prompted=f"{SHOUT}{HI}",
        added="Yo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
        told="You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    ),
    Family(
        name="SmolLM3",
        template="smollm3",
        tokens=QWEN_THINKING,
        prompt="<|im_start|>system\n## Metadata\n\nKnowledge Cutoff Date: June 2025\n"
        "Reasoning Mode: /think\n\n## Custom Instructions\n\n"
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face.…"
        f"\n\n<|im_end|>\n{HI}",
        system="kept",
        prompted="<|im_start|>system\n## Metadata\n\nKnowledge Cutoff Date: June 2025\n"
        f"Reasoning Mode: /think\n\n## Custom Instructions\n\nShout.\n\n<|im_end|>\n{HI}",
        added="Yo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
        told="## Metadata\n\nKnowledge Cutoff Date: June 2025\nReasoning Mode: /think\n\n…",
        always=True,
        later="left out",
    ),
    Family(
        name="GLM-4",
        template="glm4",
        tokens=GLM,
        prompt="[gMASK]<sop><|user|>\nHi<|assistant|>\n",
        system="kept",
        prompted="[gMASK]<sop><|system|>\nShout.<|user|>\nHi<|assistant|>\n",
        added="Yo",
        ends=("<|endoftext|>", "<|user|>", "<|observation|>"),
        written="<|user|>",
        configured=GLM_ENDS,
    ),
    Family(
        name="GLM-4.5",
        template="glm4_5",
        tokens=GLM,
        prompt="[gMASK]<sop><|user|>\nHi<|assistant|>",
        system="kept",
        prompted="[gMASK]<sop><|system|>\nShout.<|user|>\nHi<|assistant|>",
        added="\n<think></think>\nYo",
        ends=("<|endoftext|>", "<|user|>", "<|observation|>"),
        written="<|user|>",
        configured=GLM_ENDS,
        trims=True,
        reasoning="empty block in training",
    ),
    Family(
        name="gpt-oss",
        template="gpt_oss",
        tokens=Tokens(
            "<|return|>",
            "<|startoftext|>",
            special=("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>", "<|endoftext|>"),
        ),
        prompt="<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
        "Knowledge cutoff: 2024-06\nCurrent date: 2024-07-26\n\nReasoning: medium\n\n"
        "# Valid channels: …<|end|><|start|>user<|message|>Hi<|end|><|start|>assistant",
        system="kept",
        prompted="<|start|>system<|message|>You are ChatGPT, …<|end|>"
        "<|start|>developer<|message|># Instructions\n\nShout.\n\n<|end|>"
        "<|start|>user<|message|>Hi<|end|><|start|>assistant",
        added="<|channel|>final<|message|>Yo<|return|>",
        ends=("<|return|>",),
        written="<|return|>",
        told="You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n"
        "Current date: 2024-07-26\n\nReasoning: medium\n\n# Valid channels: …",
        always=True,
        later="left out",
        date=True,
        reasoning="channels",
        several_answers=False,
    ),
    Family(
        name="Command-R, Aya Expanse",
        template="command_r",
        tokens=Tokens("<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>", special=COHERE_ROLES, adds_begin=True),
        prompt=f"<BOS_TOKEN>{COHERE_HI}",
        system="kept",
        prompted=f"{COHERE_SYSTEM}Shout.<|END_OF_TURN_TOKEN|>{COHERE_HI}",
        added="Yo<|END_OF_TURN_TOKEN|>",
        ends=("<|END_OF_TURN_TOKEN|>",),
        written="<|END_OF_TURN_TOKEN|>",
        later="refused",
        alternation=True,
        trims=True,
    ),
    Family(
        name="Tiny Aya (Cohere 2)",
        template="cohere2",
        tokens=Tokens(
            "<|END_OF_TURN_TOKEN|>",
            "<BOS_TOKEN>",
            special=(*COHERE_ROLES, "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
            adds_begin=True,
        ),
        prompt=f"{COHERE_SYSTEM}# System Preamble\nYou are in contextual safety mode.…<|END_OF_TURN_TOKEN|>"
        f"{COHERE_HI}<|START_RESPONSE|>",
        system="kept",
        prompted=f"{COHERE_SYSTEM}# System Preamble\nYou are in contextual safety mode.…"
        f"# Developer Preamble\n…\nShout.<|END_OF_TURN_TOKEN|>{COHERE_HI}<|START_RESPONSE|>",
        added="Yo<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
        ends=("<|END_OF_TURN_TOKEN|>",),
        written="<|END_OF_TURN_TOKEN|>",
        told="# System Preamble\nYou are in contextual safety mode.…",
        always=True,
        later="moved to the start",
        alternation=True,
    ),
    Family(
        name="Zephyr",
        template="zephyr",
        tokens=FIRST_LLAMA,
        prompt="<|user|>\nHi</s>\n<|assistant|>\n",
        system="kept",
        prompted="<|system|>\nShout.</s>\n<|user|>\nHi</s>\n<|assistant|>\n",
        added="Yo</s>\n",
        ends=("</s>",),
        written="</s>",
    ),
    Family(
        name="Vicuna 1.1, 1.5",
        template="vicuna",
        tokens=FIRST_LLAMA,
        prompt="<s>A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions. USER: Hi ASSISTANT:",
        system="kept",
        prompted="<s>Shout. USER: Hi ASSISTANT:",
        added=" Yo</s>",
        ends=("</s>",),
        written="</s>",
        told="A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions.",
        later="refused",
    ),
    Family(
        name="LFM2",
        template="lfm2",
        tokens=Tokens("<|im_end|>", "<|startoftext|>", special=CHATML, adds_begin=True),
        prompt=f"<|startoftext|>{HI}",
        system="kept",
        prompted=f"<|startoftext|>{SHOUT}{HI}",
        added="Yo<|im_end|>\n",
        ends=("<|im_end|>",),
        written="<|im_end|>",
    ),
    Family(
        name="Kimi K2",
        template="kimi_k2",
        tokens=Tokens(
            "[EOS]",
            "[BOS]",
            special=("<|im_end|>", "<|im_user|>", "<|im_assistant|>", "<|im_system|>", "<|im_middle|>"),
        ),
        prompt="<|im_system|>system<|im_middle|>You are Kimi, an AI assistant created by Moonshot AI."
        "<|im_end|>\n<|im_user|>user<|im_middle|>Hi<|im_end|><|im_assistant|>assistant<|im_middle|>",
        system="kept",
        prompted="<|im_system|>system<|im_middle|>Shout.<|im_end|>"
        "<|im_user|>user<|im_middle|>Hi<|im_end|><|im_assistant|>assistant<|im_middle|>",
        added="Yo<|im_end|>",
        ends=("<|im_end|>", "[EOS]"),
        written="<|im_end|>",
        told="You are Kimi, an AI assistant created by Moonshot AI.",
    ),
)
"""The families, those of one maker beside each other."""

PLACE = re.compile(r"(<!-- families -->\n).*(<!-- end of families -->)", re.DOTALL)


def main() -> None:
    """Write the rows into the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(page: str) -> str:
    """The page with the table of today's rows."""
    return PLACE.sub(lambda place: f"{place[1]}{table()}{place[2]}", page)


def table() -> str:
    """The rows as a table in Markdown."""
    heads = ("family", "a system prompt", "without one it is told", "an answer ends with", "and")
    rows = [heads, ("---",) * len(heads), *map(cells, FAMILIES)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def cells(family: Family) -> tuple[str, ...]:
    """What the page says of a family."""
    ends = [family.written, *(e for e in family.ends if e != family.written)]
    return (
        family.name,
        SYSTEMS[family.system],
        told(family),
        ", ".join(map(code, ends)),
        "; ".join(remarks(family)),
    )


SYSTEMS = {
    "kept": "reaches it",
    "merged into the user's turn": "reaches it, in the user's turn",
    "refused": "**refused**: `--position user`",
}


def told(family: Family) -> str:
    """What the model is told by its template, short enough for a cell."""
    if not family.told:
        return "nothing"
    words = " ".join(family.told.partition("…")[0].split())
    short = words if len(words) <= 90 and "…" not in family.told else words[:90].rsplit(" ", 1)[0] + " …"
    return f"“{short}”" + (", and beside a system prompt too" if family.always else "")


def remarks(family: Family) -> list[str]:
    """What else to know of a family."""
    later = {
        "moved to the start": "a later system message is moved to the start",
        "left out": "a later system message is left out",
        "refused": "" if family.alternation else "a later system message is refused",
    }
    said = [
        "is told the date" if family.date else "",
        REASONINGS[family.reasoning],
        "" if family.several_answers else "rows of one answer only",
        "a system prompt is lost from earlier turns" if family.lost else "",
        "user and assistant must take turns" if family.alternation else "",
        later.get(family.later, ""),
        "white space around answers is cut" if family.trims else "",
    ]
    return [remark for remark in said if remark]


REASONINGS = {
    "none": "",
    "empty block in training": "an empty reasoning block before answers, without loss",
    "empty block in every prompt": "an empty reasoning block before every answer",
    "opened in the prompt": "a reasoning block is opened for the model",
    "channels": "reasons in a channel of its own",
}


def code(token: str) -> str:
    """A token as code; its bars would end a cell."""
    escaped = token.replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")
    return f"<code>{escaped}</code>"


if __name__ == "__main__":
    main()
