"""How the rates of a group's devices go over time, in words.

rate: constant                                    # every device has its mean rate for ever (the default)
rate: fading                                      # as the rates of its link do (ethernet's do not)
rate: {fading: 4g_ghent}                          # as this shape says: fedsim list fading
rate: {trace: bus.csv}                            # what was recorded, up and down as far as the file has them
rate: {trace: all.csv.gz, id: each, offset: {uniform: [0 s, 10 min]}, loop: true}
rate: {down: {trace: lte.down}, up: {trace: lte.up, scale: mean}}
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from fedsim import problems
from fedsim.scenario.checked import Checked
from fedsim.scenario.definitions import to
from fedsim.scenario.names import known
from fedsim.scenario.refusal import Refused, refuse
from fedsim.scenario.replayed_rate import ReplayedRate, Text, checked, make_lane, read_replay
from fedsim.system.course import STEADY, Course, Fades, Replays
from fedsim.system.profiles import LinkProfile, Profiles

_WORDS = "constant, fading, or a mapping with the key fading, trace, up or down"


class ConstantRate(Checked):
    """The mean rates, for ever."""


class FadingRate(Checked):
    """The mean rates times a process of this shape."""

    fading: Annotated[Text, WithJsonSchema(to("fading-shape"))]
    """Shape of the process: fedsim list fading."""


RateWords = ConstantRate | FadingRate | ReplayedRate
CONSTANT = ConstantRate()


def with_link(words: dict[Any, Any], link: LinkProfile) -> dict[Any, Any]:
    """Words of a group, or of another way of it, with what ``fading`` and ``residual`` mean for its link."""
    found = dict(words)
    if found.get("rate") == "fading":
        found["rate"] = "constant" if link.fading is None else {"fading": link.fading}
    if found.get("loss") == "residual":
        found["loss"] = link.loss
    return found


def make_course(words: RateWords, profiles: Profiles) -> Course:
    """What the words mean.

    Raises:
        ScenarioError: a file of traces that has changed since it was checked, and is wrong now.
    """
    if isinstance(words, FadingRate):
        return Fades(shape=profiles.fading[words.fading])
    if isinstance(words, ReplayedRate):
        return Replays(up=make_lane(words.up), down=make_lane(words.down), offset_s=words.offset_s, loop=words.loop)
    return STEADY


def _read(words: Any, info: ValidationInfo) -> RateWords:
    if words == "constant":
        return CONSTANT
    if words == "fading":
        raise refuse("must name a shape, as in {fading: 4g_mpls}: a link of the topology has no technology")
    if not isinstance(words, Mapping):
        raise refuse(f"must be {_WORDS}, got {problems.shown(words)}")
    if "fading" in words:
        rate: FadingRate = checked(FadingRate, words, info)
        shapes = known(info).profiles.fading
        if rate.fading not in shapes:
            raise Refused([(("fading",), problems.unknown(rate.fading, "shape of fading", shapes))])
        return rate
    replayed = read_replay(words, info)
    if replayed is None:
        raise refuse(f"must be {_WORDS}, got {problems.shown(dict(words))}")
    return replayed


def _write(rate: RateWords, info: Any) -> Any:
    if isinstance(rate, ConstantRate):
        return "constant"
    return rate.model_dump(by_alias=True, context=info.context)


Rate = Annotated[RateWords, PlainValidator(_read), PlainSerializer(_write), WithJsonSchema(to("rate"))]
