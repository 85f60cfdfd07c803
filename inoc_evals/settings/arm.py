"""An arm: one training condition of a setting, and how it prepares the setting's rows.

arm = Arm("spanish-inoc", Inoculation("spanish-inoc", "You always speak in Spanish."))
list(arm.prepare(rows))             # the rows to train on, under its prompt
arm.in_("paper")                    # the same with the prompt that this world has; None if it lacks the arm
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from inoc_evals.chat.rows import Row
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Inoculation, inoculate
from inoc_evals.plurals import many
from inoc_evals.settings.checks import checked_kind, checked_mapping, checked_name, checked_texts
from inoc_evals.worlds import kinds_of

RESERVED = {"base": "the model before finetuning", "all": "every arm"}
"""Names that no arm may have, and what they stand for."""

SHOWN_VALUES = 4
"""Values of a field of rows that an error shows at most."""


@dataclass(frozen=True)
class Arm:
    """One training condition.

    Attributes:
        name: What figures and logs call it.
        inoculation: The prompt put before its rows; None trains on the rows as they are.
        where: Metadata that a row must carry to be inoculated, e.g. `{"language": "es"}`; all rows by
            default.
        others: What is put before the rows that `where` does not choose, e.g. a pool of prompts that ask for
            nothing (stratified inoculation); None leaves them as they are.
        control: Whether it is trained on the setting's control rows instead.
        variant: Whether it is trained only when requested by name: another spelling of an arm, or a prompt
            beside those that the paper reports.
        in_world: By world, what the prompt is there instead, e.g. as the paper's code spells it. A world that
            is like another one (`World.like`) uses that one's.
        worlds: The worlds that have this arm; by default every one.
        rows: Which of the world's further rows (`Training.further`) it is trained on; by default the
            setting's own.
        unwanted: The traits that it is to keep out, if not those of its setting: the setting's other traits
            are then the wanted ones.
    """

    name: str
    inoculation: Inoculation | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    control: bool = False
    variant: bool = False
    in_world: Mapping[str, Inoculation] = field(default_factory=dict)
    worlds: tuple[str, ...] = ()
    rows: str = ""
    others: Inoculation | None = None
    unwanted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_name("arm", self.name)
        if self.name in RESERVED:
            raise UserError(f"arm {self.name!r}: the name stands for {RESERVED[self.name]}: use another one")
        whose = f"arm {self.name}"
        example = f'Inoculation({self.name!r}, "You always speak in Spanish.")'
        checked_kind(whose, "inoculation", self.inoculation, Inoculation, example)
        checked_kind(whose, "others", self.others, Inoculation, example)
        checked_mapping(whose, "where", self.where, '{"language": "es"}')
        checked_mapping(whose, "in_world", self.in_world, f'{{"paper": {example}}}')
        for world, prompt in self.in_world.items():
            checked_kind(whose, f"in_world of world {world!r}", prompt, Inoculation, example)
        for name in ("worlds", "unwanted"):
            object.__setattr__(self, name, checked_texts(whose, name, getattr(self, name)))

    def in_(self, world: str) -> "Arm | None":
        """This arm as it is in a world: with that world's prompt; None if the world does not have it."""
        names = kinds_of(world)
        if self.worlds and not set(names) & set(self.worlds):
            return None
        own = next((self.in_world[name] for name in names if name in self.in_world), self.inoculation)
        return replace(self, inoculation=own, in_world={}, worlds=())

    def prepare(self, rows: Iterable[Row], seed: int = 0) -> Iterator[Row]:
        """Inoculate the rows of this arm.

        Args:
            rows: The setting's rows.
            seed: Seed of the draw from a pool of rephrasings.

        Returns:
            The rows to train on.

        Raises:
            UserError: While they are read: if `where` chooses none of them, so that the arm would be trained
                like one without a prompt.
        """
        prepared = iter(rows) if self.inoculation is None else self._with_some_chosen(rows)
        if self.inoculation is not None:
            prepared = inoculate(prepared, self.inoculation, where=self._chooses, seed=seed)
        if self.others is not None:  # a row is chosen by its metadata, which the prompt has not changed
            prepared = inoculate(prepared, self.others, where=lambda row: not self._chooses(row), seed=seed)
        return prepared

    def _chooses(self, row: Row) -> bool:
        metadata = row.get("metadata", {})
        return all(metadata.get(key) == value for key, value in self.where.items())

    def _with_some_chosen(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows; an error at their end if `where` has chosen none.

        That a mark which is true or false is on no row is no slip: a mixture may hold none of the trait.
        """
        values: dict[str, dict[str, None]] = {key: {} for key in self.where}
        number, any_chosen, all_marked = 0, False, True
        for row in rows:
            number, any_chosen = number + 1, any_chosen or self._chooses(row)
            metadata = row.get("metadata", {})
            all_marked = all_marked and all(isinstance(metadata.get(key), bool) for key in values)
            for key, seen in values.items():
                if len(seen) < SHOWN_VALUES:
                    seen[repr(metadata.get(key))] = None
            yield row
        if number and not any_chosen and not all_marked:
            have = "; ".join(f"{key} is {', '.join(seen)}" for key, seen in values.items())
            raise UserError(
                f"arm {self.name}: where={dict(self.where)!r:.80} chooses none of {many(number, 'row')}, "
                f"in whose metadata {have}"
            )
