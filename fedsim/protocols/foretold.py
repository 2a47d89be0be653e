"""A device's part of a round, told in advance where that can be: see ``asking.ask``, which lives it step by step."""

from collections.abc import Callable, Mapping

from fedsim.protocols.asking import Limits, Reply
from fedsim.protocols.cost import cost
from fedsim.protocols.node import DeviceNode, Stint
from fedsim.protocols.session import CentralSession


def foretell(
    session: CentralSession,
    number: int,
    device: DeviceNode,
    limits: Limits,
    *,
    answered: Callable[[Reply], None],
    really: Callable[[], None],
) -> bool:
    """Whether it can be told; then ``answered`` hears the reply at its time, unless something disturbs it.

    If something does, ``really`` is called at the time of now, to ask the device.
    """
    foresight, training = session.foresight, session.training
    if foresight is None or not limits.are_none or training.bench.stops_itself:
        return False
    learner, problem, index = training.learner, training.problem, device.index
    down_bytes, up_bytes, steps = learner.down_bytes(problem), learner.up_bytes(problem), training.costs[index].steps
    prospect = foresight.look(
        device, session.server, cost(training, index, steps), down_bytes=down_bytes, up_bytes=up_bytes
    )
    if prospect is None:
        return False
    ticket = training.begin(index, training.broadcast(index), steps, (device.name, number), training.version)
    (down, up), (received_s, trained_s, answered_s) = prospect.deliveries, prospect.times_s
    about: dict[str, str | float | bool] = {"subject": device.name, "round": number}
    compute_s = trained_s - received_s

    def done(stint: Stint) -> None:
        pending = training.bench.pending(ticket)
        answered(Reply(device=device, pending=pending, stint=stint, down=down, compute_s=compute_s, up=up))

    def begin() -> None:
        training.bench.drop(ticket)
        really()

    rows: list[tuple[float, str, Mapping[str, str | float | bool]]] = [
        (received_s, "received", {**about, "move_s": down.move_s, **down.parts}),
        (trained_s, "trained", {**about, "steps": steps, "compute_s": compute_s}),
        (answered_s, "answered", {**about, "move_s": up.move_s, **up.parts}),
    ]
    foresight.accept(prospect, rows, done=done, begin=begin)
    return True
