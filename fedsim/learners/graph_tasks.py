"""What learners of related tasks on a graph have in common: the objective, the messages, and the certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu

from fedsim.errors import FedsimError
from fedsim.learners.affinity import Affinity, GivenAffinity
from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.margins import linear, scores, training_rows, width
from fedsim.learners.merit import DUALITY, Merits
from fedsim.learners.messages import Precision, check_precision, rounded, size_bytes
from fedsim.learners.neighbourhood import Neighbourhood
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.losses import DualLoss
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphTasks:
    """Minimise sum_t f_t(w_t) + (lambda / 2) tr(W^T Omega W), Omega = L + mu I, with neighbours as the only company.

    f_t(w) = c_t sum_i loss(w . x_ti, y_ti). L is the Laplacian of the overlay, whose edges weigh what the mixing matrix
    gives them, or ``edge_weight`` each where that is said: Smith et al. 2017, equation (1), for a fixed Omega. On the
    complete graph with Metropolis weights it is ``MeanRegularised``. In asynchronous gossip two peers give each other
    1/2, and so weighs every edge unless ``edge_weight`` is said. With a learned ``affinity`` ties begin at these
    weights and follow the models; what is said of the optimum then holds for the Omega of now. An edge counts from the
    first model that came over it; a neighbour that goes pulls on with its newest one.

    Node t's own problem, with the newest w_s of its neighbours, is

        min over w of f_t(w) + (lambda / 2) Omega_tt |w|^2 - lambda w . sum_s a_ts w_s

    and its solution moves by at most d_t / (d_t + mu) of the largest move of a neighbour, d_t = sum_s a_ts. So
    whoever solves when, and however old its neighbours' models are, all come to the optimum (Bertsekas and Tsitsiklis
    1989, "Parallel and distributed computation", section 6.3: contraction in a weighted maximum norm).

    A message is a node's own model, in numbers of the given precision; where the learner ``overlaps`` that
    from before the round's local work, sent while the node computes.
    """

    merits: ClassVar[Merits] = DUALITY

    penalty: float = 1e-3  # lambda
    """lambda, the weight of the relations against the losses; > 0."""
    mu: float = 0.1
    """What is added to the Laplacian's diagonal: how strongly models are drawn to 0; > 0."""
    edge_weight: float | None = None
    """Weight of every edge; null takes the mixing matrix's."""
    affinity: Affinity = field(default_factory=GivenAffinity)
    """Whether ties stay as the overlay gives them, or follow the models at both ends."""
    example_weight: Literal["mean", "sum"] = "mean"  # c_t = 1 / n_t, or 1
    """mean: a node's loss is the mean over its examples; sum: their sum."""
    precision: Precision = "float32"
    """Kind of numbers that messages carry."""
    overlaps: bool = False
    """Whether a node sends its model from before its local work, so that sending and computing overlap."""

    def __post_init__(self) -> None:
        check_precision(self.precision)
        for name, value in (("penalty", self.penalty), ("mu", self.mu), ("edge_weight", self.edge_weight)):
            if value is not None and not 0 < value < np.inf:
                raise FedsimError(f"tasks on a graph: {name} must be > 0 and finite, got {value!r}")
        if self.example_weight not in {"mean", "sum"}:
            raise FedsimError(f"tasks on a graph: example_weight must be 'mean' or 'sum', got {self.example_weight!r}")

    @property
    def takes_partial_work(self) -> bool:
        """Any number of steps brings the own problem nearer to its solution."""
        return True

    @property
    def needs_mutual_neighbours(self) -> bool:
        """Over edges of one way Omega would not be symmetric, and there would be nothing that all minimise."""
        return True

    def predictor(self, problem: Problem) -> Model:
        """The problem's own model."""
        return problem.model

    def up_bytes(self, problem: Problem) -> int:
        """A node's own rows of weights."""
        return size_bytes(linear(problem).rows * width(problem), self.precision)

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """The node's own rows of weights."""
        del problem, devices
        return Offered(messages=rounded(numbers, self.precision), memory=memory)

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Each node's own."""
        del problem, memory
        return nodes

    def scale(self, sizes: IntArray) -> Array:
        """The weight c of one example of nodes with so many, of the shape of ``sizes``."""
        return 1.0 / sizes if self.example_weight == "mean" else np.ones(len(sizes))

    def curvature(self, near: Sequence[Neighbourhood]) -> Array:
        """Omega_tt of each node, (b,)."""
        return np.array([self.mu + neighbourhood.degree for neighbourhood in near])

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """Take over what neighbours sent, for the next round; the own model stays what local work made of it.

        It must: moved by the news and not yet by the own examples, models need not converge, and were seen not to.
        """
        del problem
        given = exchange.weights if self.edge_weight is None else np.full(len(exchange.weights), self.edge_weight)
        sent = np.repeat(exchange.offered, np.diff(exchange.starts), axis=0)
        ties = self.affinity.ties(given, sent, exchange.received)
        after = []
        for node, begin, end in zip(exchange.memory, exchange.starts[:-1], exchange.starts[1:], strict=True):
            part = slice(begin, end)
            near = node.near.heard(exchange.senders[part], ties[part], exchange.received[part])
            after.append(replace(node, near=near))
        return Mixed(states=exchange.computed, memory=tuple(after))

    def rebase(self, started: Array, computed: Array, current: Array) -> Array:
        """The same change; but nothing else than local work changes a node's own model."""
        return np.asarray(current + (computed - started))

    def remember(self, computed: Any, current: Any) -> Any:
        """What local work gave, and the neighbours as they are known by now."""
        return replace(computed, near=current.near)

    def omega(self, near: Sequence[Neighbourhood]) -> csc_array:
        """Omega (m, m) of all edges over which a model has come, from what every node knows."""
        rows = np.repeat(np.arange(len(near)), [len(known.senders) for known in near])
        columns = np.array([sender for known in near for sender in known.senders], dtype=np.int64)
        ties = np.concatenate([known.ties for known in near])
        A = csc_array((ties, (rows, columns)), shape=(len(near),) * 2)
        A = A.maximum(A.T)  # an edge may have been heard over from one end only
        return csc_array(diags_array(A.sum(axis=1) + self.mu) - A)

    def certificate(
        self, problem: Problem, loss: DualLoss, nodes: Array, near: Sequence[Neighbourhood], alpha: Array
    ) -> dict[str, float]:
        """``primal`` at the nodes' models (m, q), ``dual`` of dual variables (n, R), and their ``gap``.

        The dual of MOCHA's problem: - sum c loss*(-alpha) - tr(V^T Sigma V) / (2 lambda), V_t = c_t X_t^T alpha_t, with
        Sigma V from a sparse factorisation of Omega. The squared distance of all models from the optimum is at most
        2 gap / (lambda mu). Only who sees all nodes can compute it.
        """
        rows, targets, omega = training_rows(problem), linear(problem).targets(problem.train.y), self.omega(near)
        c = self.scale(rows.sizes)[rows.device]
        W = nodes.reshape(len(nodes), linear(problem).rows, -1).transpose(1, 0, 2)
        own = [rows.rows(t) for t in range(rows.devices)]
        V = np.stack([((c[part, None] * alpha[part]).T @ rows.X[part]).ravel() for part in own])
        primal = (c @ loss.loss(scores(rows, W), targets)).sum() + self.penalty / 2 * np.vdot(nodes, omega @ nodes)
        dual = (c @ loss.dual(alpha, targets)).sum() - np.vdot(V, splu(omega).solve(V)) / (2 * self.penalty)
        return {"primal": float(primal), "dual": float(dual), "gap": float(primal - dual)}
