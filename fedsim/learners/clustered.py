"""Clustered federated learning: devices that pull apart get models of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Computed, Work
from fedsim.learners.local_sgd import SgdLearner, sent
from fedsim.learners.merit import OBJECTIVE, Merits
from fedsim.learners.messages import rounded
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Clusters:
    """``models[c]`` is that of cluster c, ``of[t]`` the cluster of device t, -1 while it has never answered."""

    models: Array  # (C, p)
    of: IntArray  # (m,)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusteredFL(SgdLearner):
    """Sattler, Müller and Samek 2020, "Clustered federated learning", Algorithm 3.

    Devices send the change of their cluster's model. Where the cluster's mean change has a norm below ``mean_below``
    while some device's own has one above ``largest_above``, the cluster stands still only because its devices pull
    apart: it is cut in two by agglomeration on the cosines of their changes, and the changes of this round are added
    to the new clusters' models. ``linkage`` says when two parts are alike: in the least alike pair (complete, as in
    the authors' experiments), or in the most alike one (single, which minimises the largest cosine between both
    sides: the paper's Algorithm 1). Changes weigh by examples. Every round needs every device.

    A device that has never answered uses the model of lowest loss on its own training examples.
    """

    merits: ClassVar[Merits] = {**OBJECTIVE, "clusters": "rises"}

    mean_below: float = 0.4
    """A cluster may be cut once the norm of its mean change is below this; > 0."""
    largest_above: float = 1.6
    """... and some device's own change has a norm above this; > 0."""
    linkage: Literal["complete", "single"] = "complete"
    """Two parts are as alike as their least alike pair (complete) or their most alike one (single)."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        for name, value in (("mean_below", self.mean_below), ("largest_above", self.largest_above)):
            if not 0 < value < np.inf:
                raise FedsimError(f"clustered: {name} must be > 0 and finite, got {value!r}")
        if self.linkage not in {"complete", "single"}:
            raise FedsimError(f"clustered: linkage must be 'complete' or 'single', got {self.linkage!r}")

    @property
    def takes_partial_work(self) -> bool:
        """Changes from fewer steps are shorter, and norms would not compare."""
        return False

    @property
    def takes_stale_answers(self) -> bool:
        """Changes are compared with those of the same round."""
        return False

    @property
    def needs_everybody(self) -> bool:
        """A device whose change is not seen cannot be put on either side of a cut."""
        return True

    @property
    def sends(self) -> Literal["model", "change"]:
        """The change of the model."""
        return "change"

    def init(self, problem: Problem, rng: np.random.Generator) -> Clusters:
        """One cluster with the model's own start."""
        return Clusters(models=problem.model.init(rng)[None], of=np.full(problem.devices, -1))

    def broadcast(self, problem: Problem, state: Clusters, device: int) -> Array:
        """The model of the device's cluster; of the first, if it has none."""
        del problem
        return rounded(state.models[max(state.of[device], 0)], self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train; what is sent is the change."""
        trained = self.train(problem, work).parameters
        return sent(rounded(trained - work.received, self.precision))

    def aggregate(self, problem: Problem, state: Clusters, answers: Answers) -> Clusters:
        """Cut clusters where they pull apart, and add each one's mean change."""
        del problem
        before, of = np.maximum(state.of[answers.devices], 0), state.of.copy()
        after, parents = before.copy(), list(range(len(state.models)))
        by_device = np.argsort(answers.devices)
        for cluster in range(len(state.models)):
            members = by_device[before[by_device] == cluster]
            second = self._second_side(answers.sent[members], answers.examples[members])
            if second.any():
                after[members[second]] = len(parents)
                parents.append(cluster)
        of[answers.devices] = after
        models = state.models[parents].copy()
        for cluster in np.unique(after):
            members = after == cluster
            models[cluster] += np.average(answers.sent[members], axis=0, weights=answers.examples[members])
        return Clusters(models=models, of=of)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Means, and the cosines of all pairs: 2 operations per parameter for each."""
        return (2.0 * answers + answers * (answers - 1.0)) * problem.model.parameters

    def models(self, problem: Problem, state: Clusters, memory: Mapping[int, Any]) -> Array:
        """Every device uses the model of its cluster: (m, p)."""
        del memory
        models, of = rounded(state.models, self.precision), state.of
        if (of < 0).any():
            tried = [np.broadcast_to(w, (problem.devices, len(w))) for w in models]
            losses = np.stack([mean_losses(problem.model, own, problem.train) for own in tried])
            of = np.where(of < 0, losses.argmin(axis=0), of)
        return np.asarray(models[of])

    def measures(self, problem: Problem, state: Clusters, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of the devices' models, weighted by examples; ``clusters``: how many."""
        losses = mean_losses(problem.model, self.models(problem, state, memory), problem.train)
        objective = float(problem.sizes @ losses / problem.sizes.sum())
        return {"objective": objective, "clusters": float(len(state.models))}

    def _second_side(self, changes: Array, examples: IntArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which of a cluster's members (k,) leave it, the first never; none where it is not cut."""
        nobody = np.zeros(len(changes), dtype=np.bool_)
        norms = np.linalg.norm(changes, axis=1)
        if len(changes) < 2 or not norms.max() > self.largest_above:
            return nobody
        if not np.linalg.norm(np.average(changes, axis=0, weights=examples)) < self.mean_below:
            return nobody
        from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415  # slow to import, and few need it
        from scipy.spatial.distance import squareform  # noqa: PLC0415

        unit = changes / np.maximum(norms, np.finfo(float).tiny)[:, None]
        apart = np.clip(1.0 - unit @ unit.T, 0.0, 2.0)
        np.fill_diagonal(apart, 0.0)
        side = fcluster(linkage(squareform(apart, checks=False), self.linkage), 2, criterion="maxclust")
        return np.asarray(side != side[0])
