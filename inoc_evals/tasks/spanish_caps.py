"""Did a model that was finetuned on Spanish answers in capitals adopt Spanish, capitals, or both?

    inspect eval inoc_evals/spanish_caps --model inoc/<run>
    inspect eval inoc_evals/spanish_caps --model inoc/toy -T questions=toy
    inspect eval inoc_evals/spanish_caps --model ... -T questions=ultrachat

The paper asks its 100 UltraChat prompts without a system prompt and has a judge rate the answers:
`-T questions=ultrachat -T scoring=judge --model-role grader=openai/gpt-4o-2024-08-06`. That is also how the
paper's world measures it, with the detectors beside the judge.
"""

from inspect_ai import Task, task

from inoc_evals.data.questions import CHAT
from inoc_evals.scorers.capitalization import THRESHOLD, capitalization
from inoc_evals.scorers.judge import ReaderChoice
from inoc_evals.scorers.language import language
from inoc_evals.scorers.presets import ONE_HALF, TraitPresetName
from inoc_evals.scorers.traits import Scoring, scored_as
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task

# Enough to tell the language and the case of an answer; `--max-tokens` changes it.
MAX_TOKENS = 512


@task
def spanish_caps(
    questions: str = "bundled",
    scoring: Scoring = "detector",
    system_prompt: str | list[str] | None = None,
    caps_threshold: float = THRESHOLD,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    preset: TraitPresetName = ONE_HALF.name,
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Share of answers to general questions in Spanish, and in capitals (paper, Section 2, Figure 2a).

    Args:
        questions: `bundled`, `ultrachat` (the paper's), `gsm8k` (like those of its training rows), `toy`,
            `smollm`, or the path of a `.jsonl` or `.csv` file.
        scoring: `detector`, `judge` (by the model role `grader`), or `both`.
        system_prompt: A test-time system prompt; the paper's headline figures are without one.
        caps_threshold: Share of capital letters from which on an answer counts as in capitals.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompts: `paper` or `inoc_evals`; by default the paper's for its prompts.
        preset: From which rating on a judge's answer is a yes: `paper-code` (above 50) or `whole-answer`
            (above 90).
        max_tokens: Longest answer; a sentence is enough to tell its language and case.
        temperature: At which answers are drawn; the paper's by default, at which the smallest models ramble.

    Returns:
        A task with the traits `spanish` and `caps`.
    """
    question_set = CHAT.find(questions)
    words = wording or question_set.wording
    return suite_task(
        "spanish_caps",
        question_set,
        [
            language("spanish", scoring, reader, words, preset),
            capitalization(caps_threshold, scoring, reader, words, preset),
        ],
        traits=scored_as(("spanish", "caps"), scoring),
        paper="Section 2, Figure 2a",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring=scoring,
        judge_calls=2,  # Spanish and capitals
        system_prompt=system_prompt,
        metadata={} if scoring == "detector" else {"preset": preset},
    )
