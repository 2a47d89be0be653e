"""Faster devices."""

from dataclasses import dataclass, fields, replace

from fedsim import units
from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, Words, kinds, scenario_of, words_of
from fedsim.system.law import Law
from fedsim.system.law_words import read_law, write_law
from fedsim.system.scipy_law import ScipyLaw

_PLAIN = {"sigma", "shape", "weights"}
_SCALED = {"loc", "scale"}


@dataclass(frozen=True, kw_only=True, slots=True)
class FasterDevices:
    """Every device computes so many times as fast, overheads of steps included, at the same power."""

    factor: float = 2.0
    name: str = "faster-devices"
    text: str = "devices compute twice as fast"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where nothing is computed."""
        if not getattr(scenario.learner.make(), "epochs", 1):
            raise DoesNotApplyError("devices compute nothing")
        words = words_of(scenario)
        for kind in kinds(words):
            self._hasten(kind)
        return scenario_of(words)

    def _hasten(self, kind: Words) -> None:
        law = read_law(kind["speed"], "flop/s", lambda _, rule: _refuse(rule))
        if law is not None:
            kind["speed"] = write_law(times(law, self.factor), "flop/s")
        kind["step_overhead"] = units.show(units.parse(kind["step_overhead"], "s") / self.factor, "s")


def times(law: Law, factor: float) -> Law:
    """The law of what another law draws, times a factor."""
    if isinstance(law, ScipyLaw):
        given = dict(law.parameters)
        scale = {"loc": given.get("loc", 0.0) * factor, "scale": given.get("scale", 1.0) * factor}
        return ScipyLaw(law.name, tuple({**given, **scale}.items()))
    changes = {field.name: getattr(law, field.name) for field in fields(law) if field.name not in _PLAIN}  # type: ignore[arg-type]
    return replace(law, **{name: _product(value, factor) for name, value in changes.items()})  # type: ignore[type-var]


def _product(value: float | tuple[float, ...], factor: float) -> float | tuple[float, ...]:
    return tuple(factor * each for each in value) if isinstance(value, tuple) else factor * value


def _refuse(rule: str) -> None:
    raise DoesNotApplyError(rule)
