"""The terms on which scenarios are compared: one goal, one horizon, the same instants, the same luck."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from fedsim.errors import FedsimError
from fedsim.scenario import Scenario
from fedsim.scenario.metric import also_for, is_share, metric_falls, metric_rule, target_rule
from fedsim.scenario.underlay import redrawn
from fedsim.study.goal import Goal

_EVALUATIONS: Final = 200
_NO_BOUNDS: Final = MappingProxyType(dict.fromkeys(("target", "rounds", "energy_j", "plateau")))


def check_seeds(seeds: Sequence[int]) -> None:
    """See to it that there are seeds, and each once.

    Raises:
        FedsimError: there are none, or one is there twice.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise FedsimError(f"seeds must be different, and at least one, got {list(seeds)!r}")


def check_metric(scenarios: Sequence[Scenario], metric: str) -> None:
    """See to it that all scenarios have a metric, and that the same way is better in all.

    Raises:
        FedsimError: they do not.
    """
    for scenario in scenarios:
        rule = metric_rule(metric, scenario.learner)
        if rule:
            raise FedsimError(f"{scenario.name}: {rule}")
    ways = {metric_falls(metric, scenario.learner) for scenario in scenarios}
    if len(ways) > 1:
        raise FedsimError(f"{metric} falls in some of the scenarios and rises in others: it cannot be compared")


def goal_of(scenarios: Sequence[Scenario], metric: str, target: float | None) -> Goal:
    """What all scenarios are to reach: ``target``, or else the first one's; none where nothing is learned.

    Raises:
        FedsimError: there is no target, or it is none of this metric.
    """
    return Goal.of(scenarios[0], metric, _target(scenarios, metric, target))


def _target(scenarios: Sequence[Scenario], metric: str, target: float | None) -> float | None:
    if not any(scenario.learns for scenario in scenarios):
        if target is not None:
            raise FedsimError(f"target says nothing here: nothing is learned in timing runs, got {target!r}")
        return None
    first = scenarios[0]
    goal = _stops_at(first, metric) if target is None else target
    if goal is None:
        example = "'85 %'" if is_share(metric) else "0.05"
        text = f"{first.name!r} has no stop.target of {metric}: give one, such as --target {example}"
        raise FedsimError(f"a target is needed: {text}")
    rule = target_rule(metric, goal)
    if rule:
        raise FedsimError(f"target {rule}")
    return goal


def _stops_at(scenario: Scenario, metric: str) -> float | None:
    """The scenario's own target, where it may be one of this metric: accuracies share theirs."""
    own = scenario.stop.metric
    return scenario.stop.target if own == metric or (is_share(own) and is_share(metric)) else None


def smallest_horizon_s(scenarios: Sequence[Scenario]) -> float:
    """The smallest bound on simulated time, in seconds.

    Raises:
        FedsimError: there is none.
    """
    times_s = [scenario.stop.time_s for scenario in scenarios if scenario.stop.time_s is not None]
    if not times_s:
        names = ", ".join(scenario.name for scenario in scenarios)
        raise FedsimError(f"scenarios are compared at equal times, and none of {names} has a stop.time")
    return min(times_s)


def on_equal_terms(scenario: Scenario, metric: str, horizon_s: float, seed: int) -> Scenario:
    """A scenario that goes on to the horizon, past its target and its other bounds, and is evaluated 200 times."""
    stop = scenario.stop.model_copy(update={**_NO_BOUNDS, "time_s": horizon_s})
    often = {"every_rounds": None, "every_s": horizon_s / _EVALUATIONS}
    fair = scenario.model_copy(update={"stop": stop, "evaluate": scenario.evaluate.model_copy(update=often)})
    return with_seed(with_metric(fair, metric), seed)


def with_metric(scenario: Scenario, metric: str) -> Scenario:
    """A scenario that evaluates the metric, whatever else it evaluates."""
    also = tuple(sorted({*scenario.evaluate.also, *also_for(metric)}))
    return scenario.model_copy(update={"evaluate": scenario.evaluate.model_copy(update={"also": also})})


def with_seed(scenario: Scenario, seed: int) -> Scenario:
    """A scenario with another seed, and what of its topology is drawn, drawn anew."""
    return scenario.model_copy(update={"seed": seed, "topology": redrawn(scenario.topology, seed)})
