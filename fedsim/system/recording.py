"""What a file of traces holds: traces by name, each with one or more columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fedsim import problems
from fedsim.system.trace import Trace

WAYS = ("down", "up")
_PATTERN = "*?["


@dataclass(frozen=True, eq=False)
class Recording:
    """``traces[id][column]``. A file with a single trace that has no name calls it ``""``.

    ``digest`` tells the file's content, unpacked, from any other.
    """

    traces: Mapping[str, Mapping[str, Trace]]
    digest: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of every trace."""
        return tuple(next(iter(self.traces.values())))

    def column(self, way: str) -> str | None:
        """The column that goes "up" or "down": one that says so, or the only one that says nothing.

        Raises:
            ValueError: several might be meant.
        """
        told = [name for name in self.columns if name == way or name.startswith(f"{way}_")]
        mute = [name for name in self.columns if name.split("_")[0] not in WAYS]
        fit = told or mute
        if len(fit) > 1:
            raise ValueError(f"has several columns for {way}, name one: {', '.join(fit)}")
        return fit[0] if fit else None

    def pick(self, trace_id: str | None, column: str) -> dict[str, Trace]:
        """The traces meant by an id: that one, or all that match a pattern such as ``office-*``, in their order.

        Raises:
            ValueError: an unknown id or column, a pattern that nothing matches, no id where there are several.
        """
        if trace_id is None:
            if len(self.traces) > 1:
                raise ValueError(f"holds {len(self.traces)} traces: name one, or give a pattern such as '*'")
            names = list(self.traces)
        elif trace_id in self.traces or not any(letter in trace_id for letter in _PATTERN):
            names = [trace_id]
        else:
            names = [name for name in self.traces if fnmatchcase(name, trace_id)]
        if names != [""] and list(self.traces) == [""]:
            raise ValueError(f"must be left out: the file holds one trace, without a name; got {trace_id!r}")
        if not names or names[0] not in self.traces:
            raise ValueError(problems.unknown(trace_id, "trace", self.traces))
        if column not in self.columns:
            raise ValueError(problems.unknown(column, "column of rates", self.columns))
        return {name: self.traces[name][column] for name in names}
