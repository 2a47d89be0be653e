"""Laws of local work, which both families share."""

from dataclasses import asdict
from typing import Any

import numpy as np

from fedsim.learners.local_cost import LocalCost
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Outline, Problem
from fedsim.testing.bench import Bench
from fedsim.testing.law import Law, fingerprint, finite

COMPANY = Law(
    name="order and company of devices change nothing",
    mend="compute entry i from entry i of the work alone, and draw only from rngs[i]",
)
IN_PLACE = Law(
    name="nothing that came in is changed in place",
    mend="copy an array before writing to it; w += x changes the caller's array, w = w + x does not",
)
DETERMINISM = Law(
    name="the same work gives the same result",
    mend="keep nothing in the learner between calls, and take all luck from the generators that are handed in",
)
SHAPES = Law(name="shapes are those of the seam", mend="see Work, Computed and Answers in fedsim.learners.learner")
FINITE = Law(name="all numbers are finite", mend="guard divisions (by steps, by examples) and logarithms of 0")
MERITS = Law(
    name="what a run may be stopped by is measured",
    mend="let the class variable merits have the keys of measures(), each with 'falls' or 'rises'",
)
PARTIAL = Law(
    name="a device may be granted fewer steps, or none",
    mend="handle steps of 0 and do no more than the steps granted, or say takes_partial_work False",
)
COSTS = Law(
    name="costs are finite, not negative, and depend on the device only",
    mend="compute local_cost from problem.model, problem.sizes and the learner's parameters; examples may be unknown",
)
BYTES = Law(
    name="bytes declared are those of the numbers that travel",
    mend="let up_bytes and down_bytes be size_bytes(numbers of a message, precision)",
)
ROUNDED = Law(
    name="numbers that travel are rounded to the precision declared",
    mend="pass every message through fedsim.learners.messages.rounded",
)
MODELS = Law(
    name="models fit the predictor",
    mend="models must be (m, q) with q = predictor(problem).parameters, one row for each device",
)

_NUMBER_BYTES = {"float32": 4, "float64": 8}


def check_costs(learner: Any, problem: Problem) -> None:
    """Costs of every device, on the problem and on its outline."""
    outline = Outline(model=problem.model, examples=problem.sizes, name=problem.name)
    for device in range(problem.devices):
        cost = learner.local_cost(problem, device)
        COSTS.demand(isinstance(cost, LocalCost), f"local_cost gives {type(cost).__name__}, not a LocalCost")
        for name, value in asdict(cost).items():
            COSTS.demand(bool(np.isfinite(value)) and value >= 0, f"{name} of device {device} is {value!r}")
        COSTS.demand(learner.local_cost(problem, device) == cost, f"asked twice, device {device} costs something else")
        try:
            rehearsed = learner.local_cost(outline, device)
        except AttributeError as error:
            rehearsed = f"error: {error}"
        COSTS.demand(rehearsed == cost, f"without its examples, device {device} costs {rehearsed!r}, not {cost!r}")
    COSTS.demand(0 <= learner.epochs < np.inf, f"epochs are {learner.epochs!r}")


def check_local(bench: Bench) -> None:
    """One round's work of all devices, whole and in parts."""
    everybody = list(range(bench.problem.devices))
    work = bench.work(everybody)
    before = fingerprint((work.devices, work.received, work.memory, work.steps, work.versions))
    together = bench.learner.local(bench.problem, work)
    after = fingerprint((work.devices, work.received, work.memory, work.steps, work.versions))
    IN_PLACE.demand(after == before, "local changed the work that it was given")
    sent, memory = together.sent, together.memory
    SHAPES.demand(
        isinstance(sent, np.ndarray) and len(sent) == len(everybody) == len(memory),
        f"local of {len(everybody)} devices gave {len(sent)} answers and {len(memory)} memories",
    )
    FINITE.demand(finite(sent) and finite(memory), "local gave infinite numbers or NaN")
    one_by_one = {device: fingerprint((sent[device], memory[device])) for device in everybody}
    DETERMINISM.demand(_prints(bench, everybody) == one_by_one, "local gave another result the second time")
    COMPANY.demand(_prints(bench, everybody[::-1]) == one_by_one, "local in reverse order gave other results")
    for device in everybody:
        COMPANY.demand(_prints(bench, [device])[device] == one_by_one[device], f"device {device} alone differs")
    if bench.learner.takes_partial_work:
        _check_partial(bench, everybody, sent)


def _prints(bench: Bench, devices: list[int]) -> dict[int, Any]:
    computed = bench.do(devices)
    rows = zip(devices, computed.sent, computed.memory, strict=True)
    return {device: fingerprint((sent, memory)) for device, sent, memory in rows}


def _check_partial(bench: Bench, devices: list[int], whole: Any) -> None:
    for share in (0.0, 0.5):
        steps = [int(share * bench.steps(device)) for device in devices]
        try:
            computed = bench.do(devices, steps)
        except Exception as error:  # whatever it is, the law is broken
            raise AssertionError(f"law broken: {PARTIAL.name}: {error!r}. To mend it: {PARTIAL.mend}") from error
        PARTIAL.demand(computed.sent.shape == whole.shape, f"with steps {steps} the answers have another shape")
        PARTIAL.demand(finite(computed.sent) and finite(computed.memory), f"with steps {steps} numbers are not finite")
    none = bench.do(devices, [0] * len(devices))
    busy = [bench.steps(device) > 0 for device in devices]
    PARTIAL.demand(
        not any(busy) or whole.size == 0 or fingerprint(none.sent) != fingerprint(whole),
        "no steps gave the same answers as all steps",
    )


def check_message(learner: Any, message: Any, declared: int, what: str) -> None:
    """Bytes and rounding of one message."""
    SHAPES.demand(isinstance(message, np.ndarray), f"the message {what} is {type(message).__name__}, not an array")
    FINITE.demand(finite(message), f"the message {what} has infinite numbers or NaN")
    precision = getattr(learner, "precision", None)
    sizes = [_NUMBER_BYTES[precision]] if precision in _NUMBER_BYTES else sorted(_NUMBER_BYTES.values())
    BYTES.demand(
        declared in [message.size * size for size in sizes],
        f"{what}, {message.size} numbers of {' or '.join(map(str, sizes))} bytes are declared as {declared!r} bytes",
    )
    if precision == "float32":
        same = np.array_equal(message, message.astype(np.float32).astype(np.float64))
        ROUNDED.demand(same, f"the message {what} has numbers that are not of single precision")


def check_models(learner: Any, problem: Problem, models: Any, measures: Any) -> None:
    """What devices would use now, and the learner's own figures."""
    predictor: Model = learner.predictor(problem)
    wanted = (problem.devices, predictor.parameters)
    MODELS.demand(models.shape == wanted, f"models have shape {models.shape}, and the predictor wants {wanted}")
    FINITE.demand(finite(models), "models have infinite numbers or NaN")
    x = problem.test.X[None, :2]
    answer = predictor.predict(np.asarray(models[:1]), x)
    MODELS.demand(answer.shape == x.shape[:2], f"the predictor answers shape {answer.shape} to {x.shape[:2]} examples")
    missing = [name for name in getattr(learner, "merits", {}) if name not in measures]
    MERITS.demand(not missing, f"merits name {', '.join(missing)}, and measures are {', '.join(measures) or 'none'}")
    for name, value in measures.items():
        FINITE.demand(isinstance(value, float) and bool(np.isfinite(value)), f"the measure {name} is {value!r}")
