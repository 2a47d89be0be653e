"""Rows of the tables of a comparison: what differs, and whether that is real."""

from typing import Any

from fedsim.study.reaching import Reaching
from fedsim.study.verdict import Verdict


def difference_row(verdict: Verdict) -> dict[str, Any]:
    """How much a figure differs."""
    found = verdict.difference
    interval, factor, both = found.interval, found.factor, found.among_complete
    return {
        "scenario": verdict.name,
        "less": verdict.first,
        "measure": found.measure.field,
        "mean": interval and interval.mean,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "factor": factor and factor.mean,
        "factor_low": factor and factor.low,
        "factor_high": factor and factor.high,
        "pairs": len(found.pairs),
        "both": found.complete,
        "both_mean": both and both.mean,
        "both_low": both and both.low,
        "both_high": both and both.high,
    }


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """Whether a figure differs."""
    found = verdict.difference
    return {
        "scenario": verdict.name,
        "against": verdict.first,
        "measure": found.measure.field,
        "verdict": verdict.state,
        "words": verdict.words,
        "p": found.p,
        "p_holm": verdict.p,
        "less": found.less,
        "more": found.more,
        "sign_p": found.sign_p,
        "correlation": found.correlation,
        "explained": found.explained,
        "seeds_needed": found.seeds_needed,
    }


def reaching_row(name: str, first: str, reaching: Reaching) -> dict[str, Any]:
    """Whether one reaches the target more often than the other."""
    return {
        "scenario": name,
        "against": first,
        "measure": "reached",
        "verdict": reaching.state,
        "words": reaching.words(name, first),
        "p": reaching.p,
        "p_holm": reaching.p_holm,
        "less": reaching.only_first,
        "more": reaching.only_own,
        "sign_p": reaching.p,
    }
