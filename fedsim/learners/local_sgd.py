"""A device's round of stochastic gradient descent: the part that FedAvg and D-PSGD have in common."""

from fedsim.learners.learner import Answers, Work
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd


def run_sgd(solver: Sgd, problem: Problem, work: Work) -> Answers:
    """Train from the received model; nothing is remembered."""
    trained = solver.run(
        problem.model,
        problem.train,
        start=work.received,
        devices=work.devices,
        steps=work.steps,
        rngs=work.rngs,
    )
    return Answers(
        devices=work.devices,
        sent=trained.parameters,
        memory=(None,) * len(work.devices),
        examples=problem.sizes[work.devices].astype(float),
    )
