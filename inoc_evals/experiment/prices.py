"""What an experiment costs, in dollars, before anything is spent.

    dollars(experiment, tokens, answers=1200, judge_calls=2400)      # None where a price is not known

Nothing is paid for what runs on this machine. Tokens are estimates, and so is the sum.
"""

from inoc_evals.experiment.experiment import Experiment, Price

LISTED: dict[str, tuple[float, float, float]] = {
    # model: (trained on, read, written)
    "gpt-4.1-2025-04-14": (25.0, 3.0, 12.0),
    "gpt-4.1-mini-2025-04-14": (5.0, 0.8, 3.2),
    "gpt-4.1-nano-2025-04-14": (1.5, 0.2, 0.8),
    "gpt-4o-2024-08-06": (25.0, 3.75, 15.0),
    "gpt-4o-mini-2024-07-18": (3.0, 0.3, 1.2),
}
"""Dollars per million tokens, as OpenAI listed them when this version was made (finetuned models at the
prices for finetuned models). An experiment's `prices` override these."""

ANSWER = 200
"""Tokens of an answer. Asking one is short; this is what costs."""

JUDGED = (700, 1)
"""Tokens that a judge reads and writes in one call: rubric, question and answer, and a number."""

LOCAL_JUDGES = ("inoc/", "hf/", "vllm/", "mockllm/")
"""Providers whose models cost nothing."""


def dollars(experiment: Experiment, tokens: float, answers: int, judge_calls: int) -> float | None:
    """What is left to be paid; nothing for what runs here, None where a price is not known.

    Args:
        experiment: The experiment.
        tokens: Tokens to be trained on, in all passes.
        answers: Answers to be generated.
        judge_calls: Ratings to be asked for.
    """
    listed = {model: Price(train=t, input=i, output=o) for model, (t, i, o) in LISTED.items()}
    prices = {**listed, **experiment.prices}
    bases, graders = _paid(experiment)
    total = 0.0
    for name in bases:
        if name not in prices:
            return None
        share = 1 / len(bases)
        total += share * tokens * prices[name].train
        total += share * answers * ANSWER * prices[name].output
    for name in graders:
        if name not in prices:
            return None if judge_calls else total / 1e6
        share = judge_calls / len(experiment.graders)
        total += share * (JUDGED[0] * prices[name].input + JUDGED[1] * prices[name].output)
    return total / 1e6


def _paid(experiment: Experiment) -> tuple[list[str], list[str]]:
    """Bases and judges that are paid for, by the names that `prices` knows them by."""
    bases = [] if experiment.backend == "local" else experiment.bases
    paid = [base.removeprefix(f"{experiment.backend}/") for base in bases]
    graders = [grader for grader in experiment.graders if not grader.startswith(LOCAL_JUDGES)]
    return paid, [grader.rpartition("/")[2] for grader in graders]


def price_notes(experiment: Experiment) -> list[str]:
    """Which prices of the experiment count for nothing, and why."""
    paid = [name for names in _paid(experiment) for name in names]
    here = {grader for grader in experiment.graders if grader.startswith(LOCAL_JUDGES)}
    here |= set(experiment.bases) if experiment.backend == "local" else set()
    names = f"what is paid for is called {', '.join(paid)}" if paid else "nothing here is paid for"
    return [
        f"the price of {name} does not count: "
        + ("it runs on this machine, and nothing is paid for it" if name in here else names)
        for name in experiment.prices
        if name not in paid
    ]
