"""Does a learner keep the laws that protocols, batching and accounting rely on?"""

from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from fedsim.learners.learner import CentralLearner, DecentralisedLearner
from fedsim.tasks.examples import Examples
from fedsim.tasks.problem import Problem
from fedsim.tasks.softmax import Softmax
from fedsim.testing.central_laws import check_central
from fedsim.testing.law import Law, pickled
from fedsim.testing.local_laws import SHAPES, check_costs
from fedsim.testing.peer_laws import check_decentralised

SEAM = Law(name="a learner has all that its family asks for", mend="see CentralLearner and DecentralisedLearner")
NAMES = Law(name="no field hides a method of what the learner is derived from", mend="give the field another name")
_BOOLEANS: Final = ("takes_partial_work", "takes_stale_answers", "needs_everybody", "overlaps")


def check_learner(learner: Any, problem: Problem | None = None) -> None:
    """Check every law of a learner, central or decentralised.

    The laws: order and company of devices change nothing, to the last bit; nothing that came in is changed in place; a
    lost answer changes nothing; steps may be fewer, or none, where partial work is taken; declared bytes are those of
    the numbers that travel, and these are rounded to the declared precision; costs are finite, not negative, and
    depend on the device only; models fit the predictor; the same work gives the same result; all numbers are finite;
    answers count by their devices; all pickles; a timing run works; edges that combine once each and merge are one
    server; one device alone can learn. Of peers: equal nodes stay equal, the order of neighbours changes nothing, and
    where a learner says ``keeps_mean``, doubly stochastic mixing does.

        from fedsim.testing import check_learner
        check_learner(MyLearner())

    Args:
        learner: a frozen value of either family.
        problem: what it is tried on, with devices of different sizes; a small classification by softmax unless given.

    Raises:
        AssertionError: if a law is broken: it says which, by what, and how to mend it.
    """
    tried = problem or small_problem()
    members, check = _family(learner)
    missing = sorted(name for name in members if not hasattr(learner, name))
    SEAM.demand(not missing, f"{type(learner).__name__} lacks {', '.join(missing)}")
    hidden = _hidden(learner)
    NAMES.demand(not hidden, f"{type(learner).__name__} has fields {', '.join(hidden)}")
    for name in _BOOLEANS:
        value = getattr(learner, name, False)
        SHAPES.demand(isinstance(value, bool), f"{name} is {value!r}, not True or False")
    pickled(learner, "the learner")
    for case in (tried, first_device(tried)):
        check_costs(learner, case)
        check(learner, case)


def _hidden(learner: Any) -> list[str]:
    """Fields in whose place a parent has a method."""
    names = [field.name for field in fields(learner)] if is_dataclass(learner) else []
    return [name for name in names if any(callable(vars(base).get(name)) for base in type(learner).__mro__[1:])]


def _family(learner: Any) -> tuple[list[str], Any]:
    central, peer = hasattr(learner, "aggregate"), hasattr(learner, "mix")
    SEAM.demand(central != peer, f"{type(learner).__name__} must have either aggregate (a server's) or mix (a peer's)")
    protocol = CentralLearner if central else DecentralisedLearner
    members = [name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")]
    return members, check_central if central else check_decentralised


def small_problem(model: Any = None) -> Problem:
    """Seven devices with 3 to 11 examples of three classes, and a test example each.

    Args:
        model: takes 4 features, and 3 classes where it has classes; a softmax unless given.
    """
    rng = np.random.default_rng(0)
    sizes = np.array([5, 3, 11, 8, 3, 6, 10])
    device = np.repeat(np.arange(len(sizes)), sizes)
    train, test = (
        Examples.of(rng.normal(size=(len(rows), 4)), rng.integers(0, 3, len(rows)), rows, len(sizes))
        for rows in (device, np.arange(len(sizes)))
    )
    return Problem(model=model or Softmax(features=4, classes=3), train=train, test=test, name="small")


def first_device(problem: Problem) -> Problem:
    """The same problem of its first device alone."""
    train, test = (
        Examples.of(part.X[part.rows(0)], part.y[part.rows(0)], np.zeros(part.sizes[0], dtype=np.int64), 1)
        for part in (problem.train, problem.test)
    )
    return Problem(model=problem.model, train=train, test=test, name=f"{problem.name} of one")
