"""The table at the end of a run: what was reached, what it took, what was lost, and what was slow."""

import math
from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import Row, facts, grid, heading_line
from fedsim.report.human import NOTHING, about
from fedsim.scenario.metric import METRICS, TRAIN, UNSEEN, is_share
from fedsim.study.goal import Goal
from fedsim.study.result import Summary, Waste
from fedsim.study.slowest import Slowest
from fedsim.system.usage import Usage

METRIC_TEXT: Mapping[str, str] = {
    "accuracy": "accuracy",
    "mean_accuracy": "mean accuracy",
    "worst_tenth": "accuracy of the worst tenth",
    "bottom_decile": "accuracy at the bottom decile",
    "deviation": "deviation of devices' accuracy",
    "fairness": "fairness of devices' accuracy",
}

_FINAL = {"accuracy": "accuracy at the end", "mean_accuracy": "  mean over devices", "worst_tenth": "  worst tenth"}
_CAUSES = (
    *("crash", "left", "battery", "outage", "server", "fault", "memory", "floor", "late", "surplus"),
    *("lost", "resent", "corrupted", "duplicate", "no-route", "link-down", "unreached", "quorum", "stopped"),
)
_SERVER_STATES = {"computing": "compute", "waiting": "idle"}
_MOST_CLOSERS = 3


def run_report(summary: Summary) -> RenderableType:
    """Everything that a person wants to know of one run."""
    title = f"{summary.name}, seed {summary.seed}: {summary.stopped_because} after {about(summary.simulated_s, 's')}"
    return Group(
        heading_line(title),
        facts(_facts(summary)),
        Text(),
        grid(_energy_rows(summary.spent), title="Energy of the devices"),
        *_server_table(summary.server),
        Text(),
        waste_table(summary.waste, summary.spent),
        Text(),
        round_table(summary.slowest),
    )


def goal_text(goal: Goal, *, regression: bool = False) -> str:
    """``90 % mean accuracy``; ``gap at most 0.001``."""
    name, target = metric_text(goal.metric, regression=regression), goal.target or 0.0
    if goal.is_share and not goal.falls:
        return f"{target * 100:.3g} % {name}"
    level = f"{target * 100:.3g} %" if goal.is_share else f"{target:.3g}"
    return f"{name} {'at most' if goal.falls else 'at least'} {level}"


def metric_text(metric: str, *, regression: bool = False) -> str:
    """``mean accuracy``, ``mean R^2, unseen devices``, ``accuracy, training examples``; a measure's own name."""
    for prefix, of in ((UNSEEN, "unseen devices"), (TRAIN, "training examples")):
        bare = metric.removeprefix(prefix)
        if bare != metric and bare in METRIC_TEXT:
            return f"{metric_text(bare, regression=regression)}, {of}"
    return of_model(METRIC_TEXT.get(metric, metric.replace("_", " ")), regression=regression)


def of_model(text: str, *, regression: bool) -> str:
    """What says accuracy, in the words of a regression where the model is one."""
    return text.replace("accuracy", "R^2") if regression else text


def waste_table(waste: Mapping[str, Waste], spent: Usage) -> RenderableType:
    """Work that was done and did not count, by cause, and what part of all work that is."""
    known = [cause for cause in _CAUSES if cause in waste]
    causes = [*known, *sorted(set(waste) - set(known))]
    if not causes:
        return Group(heading_line("Wasted work"), facts([("none", "all work counted")]))
    total = Waste(
        pieces=sum(waste[cause].pieces for cause in causes),
        usage=sum((waste[cause].usage for cause in causes), Usage()),
    )
    rows = [_waste_row(cause, waste[cause]) for cause in causes]
    rows += [_waste_row("all", total), _share_row(total.usage, spent)]
    header = ("", "pieces", "computing", "energy", "up", "down")
    return grid(rows, header=header, title="Wasted work")


def round_table(slowest: Slowest) -> RenderableType:
    """Where the time went along the critical path, and who closed the rounds."""
    total = sum(slowest.seconds.values())
    rows = [
        (phase, about(seconds, "s"), about(seconds / total, "1"))
        for phase, seconds in sorted(slowest.seconds.items(), key=lambda item: -item[1])
        if seconds > 0
    ]
    parts: list[RenderableType] = [heading_line("Critical path")]
    parts += [grid(rows)] if rows else []
    parts += [grid(_message_rows(slowest), title="Of that, messages")] if any(slowest.messages.values()) else []
    parts += [facts([("why", slowest.sentence())])]
    if slowest.closers:
        parts += [facts([("rounds closed most often by", _closers(slowest.closers))])]
    return Group(*parts)


def _message_rows(slowest: Slowest) -> Iterable[Row]:
    total = sum(slowest.messages.values())
    for part, seconds in sorted(slowest.messages.items(), key=lambda item: -item[1]):
        if seconds > 0:
            yield part, about(seconds, "s"), about(seconds / total, "1")


def _facts(summary: Summary) -> Iterable[tuple[str, str]]:
    if not summary.learned:
        yield "timing run", "nothing was learned"
    elif summary.target is not None:
        yield goal_text(summary.goal, regression=summary.regression), _reached(summary)
    yield "rounds", about(summary.rounds, "")
    if summary.learned and not all(math.isfinite(summary.final[name]) for name in _FINAL if name in summary.final):
        yield "learning", "diverged: its numbers are finite no more; a smaller step size may help"
    yield from (
        (of_model(text, regression=summary.regression), about(summary.final[name], "1"))
        for name, text in _FINAL.items()
        if name in summary.final
    )
    for name in summary.final:
        if name not in METRICS:
            value = summary.final[name]
            text = about(value, "1") if is_share(name) else f"{value:.3g}"
            yield f"  {metric_text(name, regression=summary.regression)}", text
    yield "devices", _devices(summary)
    yield "energy", about(summary.spent.work_j, "J")
    yield "bytes", f"{about(summary.spent.sent_bytes, 'bytes')} up, {about(summary.spent.received_bytes, 'bytes')} down"


def _reached(summary: Summary) -> str:
    if summary.time_to_target_s is None:
        return f"not reached in {about(summary.simulated_s, 's')}"
    return f"in {about(summary.time_to_target_s, 's')}"


def _devices(summary: Summary) -> str:
    return f"{summary.devices}, of which {summary.devices_at_work} took part, {summary.devices_spent} out of charge"


def _energy_rows(spent: Usage) -> Iterable[Row]:
    energy_j = spent.energy_j
    parts = {
        "computing": energy_j["compute"],
        "sending": energy_j["send"],
        "receiving": energy_j["receive"],
        "waiting: radio awake": energy_j["radio"],
        "waiting: device idle": energy_j["idle"],
    }
    whole = spent.work_j
    for name, joules in parts.items():
        yield name, about(joules, "J"), about(joules / whole, "1") if whole else NOTHING
    yield "all", about(whole, "J"), ""
    yield "standby, drawn anyway", about(energy_j["sleep"], "J"), ""


def _server_table(spent: Usage) -> Iterable[RenderableType]:
    """What the server drew, if there is one."""
    if not spent.work_j:
        return
    rows = [(text, about(spent.energy_j[cause], "J")) for text, cause in _SERVER_STATES.items()]
    yield Text()
    yield grid([*rows, ("all", about(spent.work_j, "J"))], title="Energy of the server")


def _waste_row(cause: str, waste: Waste) -> Row:
    usage = waste.usage
    return (
        cause,
        str(waste.pieces),
        about(usage.compute_s, "s"),
        about(usage.work_j, "J"),
        about(usage.sent_bytes, "bytes"),
        about(usage.received_bytes, "bytes"),
    )


def _share_row(wasted: Usage, spent: Usage) -> Row:
    pairs = (
        (wasted.compute_s, spent.compute_s),
        (wasted.work_j, spent.work_j),
        (wasted.sent_bytes, spent.sent_bytes),
        (wasted.received_bytes, spent.received_bytes),
    )
    return ("share of all work", "", *(about(part / whole, "1") if whole else NOTHING for part, whole in pairs))


def _closers(closers: Mapping[str, int]) -> str:
    ranked = sorted(closers.items(), key=lambda item: (-item[1], item[0]))
    texts = [f"{name} ({times})" for name, times in ranked[:_MOST_CLOSERS]]
    others = ranked[_MOST_CLOSERS:]
    if others:
        texts.append(f"{len(others)} others ({sum(times for _, times in others)})")
    return ", ".join(texts)
