"""A command that refuses an option which takes one value and stands twice: all but the last would go unread.

typer.Typer().command("run", cls=Once)      # `run --setting a --setting b` is one line, and nothing runs
"""

from collections import Counter
from typing import Any

from typer.core import TyperCommand, TyperOption


class Once(TyperCommand):
    """A command whose options stand once, but for those that may be repeated and for flags."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a call.

        Raises:
            UsageError: Of click, if an option stands several times, of which only the last would count.
        """
        if not ctx.resilient_parsing:  # a shell that completes words is no call
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(order).items():
                if not isinstance(option, TyperOption) or option.multiple or option.is_flag or times < 2:
                    continue
                name = max(option.opts, key=len)
                several = f": several go by comma, {name} A,B" if "comma" in (option.help or "") else ""
                ctx.fail(f"{name} stands {times} times and takes one{several}")
        return super().parse_args(ctx, args)
