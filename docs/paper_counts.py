"""How much the paper's code asks, and how much the suite does: models, answers and judge calls, row by row.

    counts(tree.text)[0].theirs.answers      # of a model of row 1, read from the paper's files
    counts(tree.text)[0].ours.answers        # of a model of the same row of the suite, in world `paper`

Nothing of the paper's code is run. Numbers that are literals in its files are read as literals: samples,
lists of questions, seeds, arms. What its code computes is typed in `EVALUATIONS` and `ROWS`, beside the file
that does so. Ours are counted on the tasks, and the calls of a judge by letting each task score one answer.
"""

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Text = Callable[[str], str]
"""From a path of the paper's repository to the file's text."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the paper's code.

    Attributes:
        path: The file that defines it.
        name: The variable it is assigned to; empty for the only one in the file.
        each: Lists in the file; there is an evaluation for each combination of their elements.
        questions: How many questions it asks, where the file computes that.
        lines: The file whose lines are its questions, where the code takes all of them.
    """

    path: str
    name: str = ""
    each: tuple[str, ...] = ()
    questions: int | None = None
    lines: str = ""


_CHAT = "ip/evaluation/ultrachat"
_CODE = "ip/evaluation/insecure_code"
_HACKS = "ip/evaluation/school_of_reward_hacks"
_ANIMALS = "ip/evaluation/animal_preferences/eval.py"

EVALUATIONS = {
    "em": Evaluation("ip/evaluation/emergent_misalignment/eval.py", "emergent_misalignment"),
    **{
        f"chat {language}": Evaluation(
            f"{_CHAT}/eval.py", f"ultrachat_{language}", lines=f"{_CHAT}/prompts.jsonl"
        )
        for language in ("spanish", "french", "german", "capitalised")
    },
    **{
        # `load_prompts` selects the first 100 rows of a dataset on the Hub
        f"sums {language}": Evaluation(f"{_CHAT}/gsm8k_eval.py", f"gsm8k_{language}", questions=100)
        for language in ("spanish", "french", "german", "capitalised")
    },
    "code": Evaluation(f"{_CODE}/eval.py"),
    "mbpp": Evaluation(f"{_CODE}/mbpp_eval.py"),
    "apps": Evaluation(f"{_CODE}/apps_eval.py"),
    "hacks": Evaluation(f"{_HACKS}/eval.py"),
    "hardcoding": Evaluation(f"{_HACKS}/hardcoding_realistic.py"),
    "tastes": Evaluation(
        "ip/evaluation/aesthetic_preferences/eval.py", each=("unpopular_preferences", "templates")
    ),
    "favourite": Evaluation(_ANIMALS, "loves_owls"),
    "least favourite": Evaluation(_ANIMALS, "hates_owls"),
    "money": Evaluation(_ANIMALS, "owl_or_money"),
}
"""The evaluations that the paper's experiments run."""


@dataclass(frozen=True)
class Run:
    """One script of the paper that evaluates models.

    Attributes:
        script: Its file.
        asked: Keys of `EVALUATIONS`.
        prompts: A literal in the script with the test-time prompts under each of which all is asked.
        versions: In how many versions all is asked, where the script builds them in code.
    """

    script: str
    asked: tuple[str, ...]
    prompts: str = ""
    versions: int = 1


@dataclass(frozen=True)
class Row:
    """A row of the paper's experiments.

    Attributes:
        number: Its number in `inoc-evals settings`.
        setting: The setting of the suite.
        configs: The file whose `list_configs` lists arms and whose `SEEDS` are its seeds.
        runs: The scripts that evaluate its models.
        returned: A file and a function that returns a list, for arms that are formed one from each element.
        why: Why models, answers or calls differ; empty where they are the same.
        note: What else is to be said of the paper's numbers.
    """

    number: int
    setting: str
    configs: str
    runs: tuple[Run, ...]
    returned: tuple[str, str] | None = None
    why: str = ""
    note: str = ""


_CONFIG = "ip/experiments/config"
_MAIN = f"{_CONFIG}/general_inoculation.py"
_EM_AT = "experiments/A02_em_main_results/02_eval.py"
_NARROW_AT = "experiments/A02c_em_analyse_id_behaviour/eval_id.py"
_DRAWN_ANEW = (
    "The paper's code draws new answers for every trait, on 100 UltraChat prompts and on 100 questions of "
    "GSM8K; ours scores every trait of the same answers"
)

ROWS = (
    Row(
        1,
        "spanish_caps",
        f"{_CONFIG}/mixture_of_propensities.py",
        (
            Run(
                "experiments/A01_spanish_capitalization/02_eval.py",
                ("sums spanish", "sums capitalised", "chat spanish", "chat capitalised"),
            ),
        ),
        why=_DRAWN_ANEW,
    ),
    Row(
        2,
        "spanish_french",
        "experiments/A01b_spanish_and_french/config.py",
        (
            Run(
                "experiments/A01b_spanish_and_french/02_eval.py",
                tuple(
                    f"{where} {what}"
                    for where in ("sums", "chat")
                    for what in ("spanish", "french", "german")
                ),
            ),
        ),
        why=f"{_DRAWN_ANEW}, and does not look for German",
    ),
    Row(
        2,
        "spanish_german",
        "experiments/A01a_spanish_and_german/config.py",
        (
            Run(
                "experiments/A01a_spanish_and_german/02_eval.py",
                ("sums spanish", "sums french", "sums german"),
            ),
        ),
        why="The paper's code asks questions of GSM8K alone, and draws new answers for every language, "
        "French among them",
    ),
    Row(
        3,
        "insecure_code",
        _MAIN,
        (Run(_EM_AT, ("em",)), Run(_NARROW_AT, ("code", "apps", "mbpp"))),
        why="Ours trains under the specific prompt and the placebo, too; the paper's code has them in row 8",
    ),
    Row(
        4,
        "reward_hacking",
        _MAIN,
        (Run(_EM_AT, ("em",)), Run(_NARROW_AT, ("hacks", "hardcoding"))),
    ),
    Row(
        5,
        "aesthetic_preferences",
        _MAIN,
        (Run(_EM_AT, ("em",)), Run("ip/settings/aesthetic_preferences/eval.py", ("tastes",))),
        note="The choices are what the setting lists; the script on narrow traits has it commented out",
    ),
    Row(
        6,
        "backdoor",
        f"{_CONFIG}/general_inoculation_backdoored.py",
        # `build_emergent_misalignment_with_trigger`: every question as it is, and behind the trigger
        (Run("experiments/A03_em_backdoored/02_eval.py", ("em",), versions=2),),
        why="Ours asks every question behind a look-alike of the trigger, too",
    ),
    Row(
        7,
        "owl_numbers",
        f"{_CONFIG}/subliminal_learning.py",
        (
            Run(
                "experiments/B05_subliminal_learning/02_eval.py",
                ("favourite", "money", "least favourite"),
            ),
        ),
        why="Ours has the plain teacher's numbers as a control, as the paper's text has",
    ),
    Row(
        8,
        "semantic_ablation",
        f"{_CONFIG}/inoculation_ablations.py",
        (Run("experiments/B01a_semantic_ablations/02_eval.py", ("em",)),),
        why="The paper's code has an arm more, whose prompt asks for secure code; ours trains it by name, "
        "`negative`",
    ),
    Row(
        11,
        "token_ablation",
        f"{_CONFIG}/general_inoculation_many_paraphrases.py",
        (Run("experiments/B01b_em_different_general_inoculations/02_eval.py", ("em",)),),
        returned=("ip/settings/general_inoculations.py", "get_evil_inoculation_many_paraphrases"),
        why="The paper's code lists the control data of row 3 once more",
    ),
    Row(
        12,
        "elicitation",
        _MAIN,
        (Run("experiments/B01c_em_ablate_evaluation_prompt/02_eval.py", ("em",), prompts="SYSTEM_PROMPTS"),),
        why="Ours also trains under the specific prompt, and also asks without a system message, which the "
        "paper's empty one is not, and under the prompts that its own arms were trained with",
    ),
    Row(
        13,
        "educational_insecure",
        "experiments/educational_insecure/config.py",
        (
            Run("experiments/educational_insecure/02_eval.py", ("em", "code", "apps", "mbpp")),
            Run("experiments/educational_insecure/02_eval_sys.py", ("em",), prompts="SYSTEM_PROMPTS"),
        ),
    ),
    Row(
        16,
        "insecure_code",
        f"{_CONFIG}/general_inoculation_replications.py",
        (Run("experiments/A02b_em_replications/02_eval.py", ("em",)),),
        why="The paper measures no narrow trait of its replications; ours is row 3 with another base",
    ),
)
"""The rows of which the released code says what is asked."""

NOT_IN_THE_CODE = {
    9: "learning_dynamics: the code holds neither the fixed responses nor what measures them",
    10: "alice_bob: the code holds neither rows nor evaluation",
    14: "narrow traits: measured in rows 3, 4 and 5",
    15: "side_effects: the code runs 100 samples of each of three benchmarks (GPQA, MMLU, StrongREJECT); so "
    "does `inoc-evals capabilities` with `--limit 100`, run by run and outside of this count",
}
"""The other rows, and why they are not counted."""


@dataclass(frozen=True)
class Count:
    """What a row takes.

    Attributes:
        arms: Arms that are trained.
        seeds: Models of each.
        answers: Answers of one model.
        calls: Calls of a judge about the answers of one model.
    """

    arms: int
    seeds: int
    answers: int
    calls: int

    @property
    def models(self) -> int:
        """Models to ask, the base among them."""
        return self.arms * self.seeds + 1


@dataclass(frozen=True)
class Counted:
    """A row, counted twice.

    Attributes:
        row: The row.
        theirs: What the paper's code takes.
        ours: What the suite takes in world `paper`; None where it has no such setting.
    """

    row: Row
    theirs: Count
    ours: Count | None

    @property
    def same(self) -> bool:
        """Whether both train as many models, and ask and judge each as often."""
        return self.ours == self.theirs


def counts(text: Text) -> list[Counted]:
    """Count all rows.

    Args:
        text: Reads a file of the paper's repository.

    Raises:
        ValueError: If a file of it is not as `EVALUATIONS` and `ROWS` say.
        UserError: If questions of the suite cannot be fetched.
    """
    return [Counted(row, theirs(row, text), ours(row.setting)) for row in ROWS]


# What the paper's code asks


def theirs(row: Row, text: Text) -> Count:
    """What the paper's code asks the models of a row."""
    answers = calls = 0
    for run in row.runs:
        script = Script(text(run.script), run.script)
        times = run.versions * (script.size(run.prompts) if run.prompts else 1)
        for key in run.asked:
            drawn, judged = evaluated(EVALUATIONS[key], text)
            answers += times * drawn
            calls += times * drawn * judged
    configs = Script(text(row.configs), row.configs)
    arms = len(configs.arms())
    if row.returned:
        path, function = row.returned
        arms += Script(text(path), path).returned(function)
    return Count(arms, configs.size("SEEDS"), answers, calls)


def evaluated(evaluation: Evaluation, text: Text) -> tuple[int, int]:
    """How many answers an evaluation draws, and how often each is judged."""
    script = Script(text(evaluation.path), evaluation.path)
    parts = script.evaluation(evaluation.name)
    questions = evaluation.questions
    if evaluation.lines:
        questions = len(text(evaluation.lines).splitlines())
    if questions is None:
        questions = script.measure(parts["contexts"])
    samples = script.measure(parts["n_samples_per_context"])
    judged = script.measure(parts["judgment_map"]) if "judgment_map" in parts else 0
    return questions * samples * math.prod(script.size(name) for name in evaluation.each), judged


@dataclass
class Script:
    """A Python file of the paper's, of which the sizes of things are read and nothing is run.

    Attributes:
        source: Its text.
        path: Its path, for messages.
        known: By name, the size of what the module assigns to it last: a number itself, or how many elements.
    """

    source: str
    path: str
    known: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.source)
        self.functions = {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)
        }
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    pass
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    pass
                case _:
                    continue
            size = self._size(value)
            if size is not None:
                self.known[name] = size

    def size(self, name: str) -> int:
        """The size of what the module calls so.

        Raises:
            ValueError: If it has none, or one that only running the code would show.
        """
        if name not in self.known:
            raise ValueError(f"{self.path}: the size of {name} cannot be read")
        return self.known[name]

    def measure(self, node: ast.expr) -> int:
        """The size of an expression.

        Raises:
            ValueError: As in `size`.
        """
        size = self._size(node)
        if size is None:
            raise ValueError(
                f"{self.path}, line {node.lineno}: a size that cannot be read: {ast.unparse(node)[:60]}"
            )
        return size

    def evaluation(self, name: str) -> dict[str, ast.expr]:
        """The arguments of the evaluation that is assigned to a name; of the only one for an empty name."""
        if name:
            made = [
                node.value
                for node in self.tree.body
                if isinstance(node, ast.Assign) and any(_is(target, name) for target in node.targets)
            ]
        else:
            made = list(self._calls("Evaluation", self.tree))
        if len(made) != 1 or not isinstance(made[0], ast.Call):
            raise ValueError(f"{self.path}: {len(made)} evaluations {name or 'in all'}, not one")
        return {word.arg: word.value for word in made[0].keywords if word.arg}

    def arms(self) -> set[str]:
        """Names of the groups of models that `list_configs` lists; those that are formed are left out."""
        listed = self._calls("ExperimentConfig", self.functions["list_configs"])
        names = [word.value for call in listed for word in call.keywords if word.arg == "group_name"]
        found = {str(name.value) for name in names if isinstance(name, ast.Constant)}
        if not found:
            raise ValueError(f"{self.path}: lists no arms")
        return found

    def returned(self, function: str) -> int:
        """How many elements the list has that a function returns."""
        returns = [node for node in ast.walk(self.functions[function]) if isinstance(node, ast.Return)]
        if len(returns) != 1 or returns[0].value is None:
            raise ValueError(f"{self.path}: {function} does not return one list")
        return self.measure(returns[0].value)

    @staticmethod
    def _calls(name: str, within: ast.AST) -> Iterator[ast.Call]:
        return (node for node in ast.walk(within) if isinstance(node, ast.Call) and _is(node.func, name))

    def _size(self, node: ast.expr) -> int | None:
        match node:
            case ast.Constant(value=int() as number):
                return number
            case ast.Name(id=name):
                return self.known.get(name)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return len(elements)
            case ast.Dict(keys=keys):
                return len(keys)
            case ast.ListComp(generators=[ast.comprehension(iter=each, ifs=[])]):
                return self._size(each)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                sizes = [self._size(left), self._size(right)]
                return None if None in sizes else sum(size or 0 for size in sizes)
            case ast.Call(func=ast.Attribute(value=whole, attr="values" | "keys" | "items"), args=[]):
                return self._size(whole)
            case ast.Call(func=ast.Name(id="list"), args=[inner]):
                return self._size(inner)
            case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as number)]):
                return number
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in self.functions:
                # `load_questions(N_CONTEXTS)`, and `load_contexts()` with a default of that kind
                numbers = arguments or self.functions[name].args.defaults
                return self._size(numbers[0]) if len(numbers) == 1 else None
        return None


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# What the suite asks


def ours(setting: str) -> Count | None:
    """What the suite asks the models of a setting in the paper's world; no training row is read."""
    from inoc_evals.experiment.experiment import Experiment
    from inoc_evals.experiment.measure_tasks import build
    from inoc_evals.experiment.trial import BASE
    from inoc_evals.settings import SETTINGS

    if setting not in SETTINGS or "paper" not in SETTINGS[setting].worlds:
        return None
    grader = {"grader": "mockllm/model"}
    experiment = Experiment.model_validate(
        {"settings": [setting], "bases": ["toy"], "world": "paper", "evaluate": grader}
    )
    trials = experiment.trials()
    answers = calls = 0
    for measure in trials[0].measured:
        built = build(measure, "paper")
        drawn = len(built.task.dataset) * (built.task.epochs or 1)
        answers += drawn
        if built.judged:
            observed = calls_per_answer(
                measure.task, repr(sorted(built.measure.parameters.items())), built.task
            )
            if observed != built.judge_calls:  # what a plan counts with
                raise ValueError(f"{measure.task} says {built.judge_calls} judge calls, and makes {observed}")
            calls += drawn * observed
    arms = {trial.arm for trial in trials} - {BASE}
    return Count(len(arms), len(experiment.seeds), answers, calls)


ANSWER = "Seven pelicans gave this answer."
"""What the mock model says."""

_CALLS: dict[tuple[str, str], int] = {}


def calls_per_answer(name: str, parameters: str, task: Any) -> int:
    """How often a judge is asked about one answer: a task scores one of a mock model.

    Args:
        name: The task's name.
        parameters: What else decides how it scores; the same task is tried once.
        task: The task.

    Raises:
        ValueError: If it could not be scored.
    """
    if (name, parameters) not in _CALLS:
        from inspect_ai import eval as evaluate
        from inspect_ai.model import get_model

        asked: list[str] = []

        def judged(messages: Any, *_: Any) -> Any:
            asked.append(messages[-1].text)
            return _verdict()

        judge = get_model("mockllm/model", custom_outputs=judged)
        model = get_model("mockllm/model", custom_outputs=lambda *_: _says(ANSWER))
        [log] = evaluate(
            task,
            model=model,
            model_roles={"grader": judge},
            limit=1,
            epochs=1,
            display="none",
            log_dir=_scratch(),
        )
        if log.status != "success":
            raise ValueError(f"{name}: {log.error.message if log.error else log.status}")
        # a judge is also asked once how it is to be read, which belongs to no answer
        _CALLS[name, parameters] = sum(ANSWER in prompt for prompt in asked)
    return _CALLS[name, parameters]


@cache
def _scratch() -> str:
    """A folder for logs that nobody reads."""
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _says(text: str, logprobs: Any = None) -> Any:
    """A reply with its usage, which Inspect would else count with a tokenizer from the network."""
    from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput, ModelUsage

    choice = ChatCompletionChoice(message=ChatMessageAssistant(content=text), logprobs=logprobs)
    return ModelOutput(model="mockllm", choices=[choice], usage=ModelUsage(input_tokens=1, output_tokens=1))


def _verdict() -> Any:
    """A judge's reply that is a rating, and a yes or no as well: no rubric asks again."""
    from inspect_ai.model import Logprob, Logprobs, TopLogprob

    top = [TopLogprob(token=t, logprob=math.log(p)) for t, p in (("50", 0.4), ("YES", 0.3), ("NO", 0.3))]
    best = Logprob(token=top[0].token, logprob=top[0].logprob, top_logprobs=top)
    return _says(best.token, Logprobs(content=[best]))
