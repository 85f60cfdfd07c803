"""Did a model that was finetuned on half Spanish, half French answers adopt Spanish, French, or both?

    inspect eval inoc_evals/spanish_french --model inoc/<run>
    inspect eval inoc_evals/spanish_french --model inoc/<run> -T system_prompt="You always speak in French."

The paper asks its 100 UltraChat prompts without a system prompt: `-T questions=ultrachat`. For a mixture of
other languages, name them: `-T languages=spanish,german`.
"""

from collections.abc import Sequence

from inspect_ai import Task, task

from inoc_evals.data.questions import CHAT
from inoc_evals.scorers.judge import ReaderChoice
from inoc_evals.scorers.language import language, named_languages
from inoc_evals.scorers.presets import ONE_HALF, TraitPresetName
from inoc_evals.scorers.traits import Scoring, scored_as
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task

# Enough to tell the language of an answer; `--max-tokens` changes it.
MAX_TOKENS = 512


@task
def spanish_french(
    questions: str = "bundled",
    scoring: Scoring = "detector",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    preset: TraitPresetName = ONE_HALF.name,
    languages: str | Sequence[str] = ("spanish", "french"),
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Share of answers to general questions that are in Spanish, and in French (paper, Section 2).

    Args:
        questions: `bundled`, `ultrachat` (the paper's), `gsm8k` (like those of its training rows), `toy`,
            `smollm`, or the path of a `.jsonl` or `.csv` file.
        scoring: `detector`, `judge` (by the model role `grader`), or `both`.
        system_prompt: A test-time system prompt; the paper's headline figures are without one.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompts: `paper` or `inoc_evals`; by default the paper's for its prompts.
        preset: From which rating on a judge's answer is a yes: `paper-code` (above 50) or `whole-answer`
            (above 90).
        languages: Which languages are counted, each a trait of its name; see `scorers/language.py`.
        max_tokens: Longest answer; a sentence is enough to tell a language.
        temperature: At which answers are drawn; the paper's by default, at which the smallest models ramble.

    Returns:
        A task with a trait for each language.

    Raises:
        UserError: If the detector does not know a language.
    """
    question_set = CHAT.find(questions)
    names = named_languages(languages)
    return suite_task(
        "spanish_french",
        question_set,
        language(names, scoring, reader, wording or question_set.wording, preset),
        traits=scored_as(names, scoring),
        paper="Section 2",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring=scoring,
        judge_calls=len(names),
        system_prompt=system_prompt,
        metadata={} if scoring == "detector" else {"preset": preset},
    )
