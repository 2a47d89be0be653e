"""For authors of learners: ``check_learner`` says whether a learner keeps the laws that every protocol relies on."""

from fedsim.testing.check import check_learner, small_problem

__all__ = ["check_learner", "small_problem"]
