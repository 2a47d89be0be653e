"""What a server does with the mean of the models that arrived.

Reddi et al. 2021, "Adaptive federated optimization", Algorithms 1 and 2: the mean's change is a pseudo-gradient
Delta, and the server takes a step of its own along it. An optimiser keeps its moments in a state of its own kind.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


class Optimiser(Protocol):
    """A small frozen value."""

    @property
    def vectors(self) -> int:
        """How many numbers a state has for each parameter, the parameter included."""

    @property
    def linear(self) -> bool:
        """Whether the mean of states after a step each is the state after a step with the mean of their answers."""

    @property
    def flops(self) -> float:
        """Operations of a step for each parameter."""

    def begin(self, model: Array) -> Any:
        """The state before the first round, from the model's start (p,)."""

    def model(self, state: Any) -> Array:
        """The server's model (p,)."""

    def step(self, state: Any, mean: Array) -> Any:
        """The state after a round in which the models that arrived have this mean (p,)."""

    def pack(self, state: Any) -> Array:
        """The numbers of a state: (vectors, p)."""

    def unpack(self, numbers: Array) -> Any:
        """The state of such numbers."""


class Moving(NamedTuple):
    """A model (p,) and moments of its changes, each (p,)."""

    model: Array
    moments: tuple[Array, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """The mean becomes the model: McMahan et al. 2017, Algorithm 1. The state is the model itself."""

    @property
    def vectors(self) -> int:
        """The model."""
        return 1

    @property
    def linear(self) -> bool:
        """A mean of means is a mean."""
        return True

    @property
    def flops(self) -> float:
        """Nothing more is done."""
        return 0.0

    def begin(self, model: Array) -> Array:
        """The model."""
        return model

    def model(self, state: Array) -> Array:
        """The state."""
        return state

    def step(self, state: Array, mean: Array) -> Array:
        """The mean."""
        del state
        return mean

    def pack(self, state: Array) -> Array:
        """The one vector."""
        return state[None]

    def unpack(self, numbers: Array) -> Array:
        """The one vector."""
        first: Array = numbers[0]
        return first


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moved:
    """What optimisers have in common whose state is a model that moves."""

    def model(self, state: Moving) -> Array:
        """The moving model."""
        return state.model

    def pack(self, state: Moving) -> Array:
        """Model and moments."""
        return np.stack([state.model, *state.moments])

    def unpack(self, numbers: Array) -> Moving:
        """Model and moments."""
        model, *moments = numbers
        return Moving(model, tuple(moments))


@dataclass(frozen=True, kw_only=True, slots=True)
class Momentum(_Moved):
    """FedAvgM (Hsu et al. 2019): m <- momentum m + Delta, w <- w + step_size m."""

    step_size: float = 1.0
    """Step size of the server; > 0."""
    momentum: float = 0.9
    """How much of the velocity is kept in a round; at least 0 and below 1."""

    def __post_init__(self) -> None:
        _check_positive("momentum", step_size=self.step_size)
        _check_shares("momentum", momentum=self.momentum)

    @property
    def vectors(self) -> int:
        """The model and its velocity."""
        return 2

    @property
    def linear(self) -> bool:
        """Velocity and model are linear in Delta."""
        return True

    @property
    def flops(self) -> float:
        """Delta, the velocity and the model."""
        return 5.0

    def begin(self, model: Array) -> Moving:
        """At rest."""
        return Moving(model, (np.zeros_like(model),))

    def step(self, state: Moving, mean: Array) -> Moving:
        """One step."""
        velocity = self.momentum * state.moments[0] + (mean - state.model)
        return Moving(state.model + self.step_size * velocity, (velocity,))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Adaptive(_Moved):
    """m <- beta_1 m + (1 - beta_1) Delta, a second moment v from Delta^2, w <- w + step_size m / (sqrt(v) + tau).

    v begins at tau^2, and moments are not corrected for their start, as in Algorithm 2. The paper tunes step sizes
    and tau for each task; tau = 0.001 is what it uses most.
    """

    step_size: float = 0.1
    """Step size of the server; > 0."""
    beta_1: float = 0.9
    """How much of the first moment is kept in a round; at least 0 and below 1."""
    tau: float = 1e-3
    """Keeps the division from blowing up, and says how adaptive the steps are; > 0."""

    def __post_init__(self) -> None:
        name = type(self).__name__.lower()
        _check_positive(name, step_size=self.step_size, tau=self.tau)
        _check_shares(name, beta_1=self.beta_1)

    @property
    def vectors(self) -> int:
        """The model and two moments."""
        return 3

    @property
    def linear(self) -> bool:
        """A step is not linear in Delta."""
        return False

    @property
    def flops(self) -> float:
        """Delta and its square, the moments and the model; a root counts one."""
        return 14.0

    def begin(self, model: Array) -> Moving:
        """At rest."""
        return Moving(model, (np.zeros_like(model), np.full_like(model, self.tau**2)))

    def step(self, state: Moving, mean: Array) -> Moving:
        """One step."""
        delta = mean - state.model
        first = self.beta_1 * state.moments[0] + (1 - self.beta_1) * delta
        second = self.second(state.moments[1], delta * delta)
        return Moving(state.model + self.step_size * first / (np.sqrt(second) + self.tau), (first, second))

    def second(self, v: Array, squared: Array) -> Array:
        """The second moment after v, with Delta^2."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Adagrad(_Adaptive):
    """FedAdagrad (Reddi et al. 2021, Algorithm 2): v <- v + Delta^2, and no first moment unless asked for."""

    beta_1: float = 0.0

    def second(self, v: Array, squared: Array) -> Array:
        """See the class."""
        return v + squared


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam(_Adaptive):
    """FedAdam (Reddi et al. 2021, Algorithm 2): v <- beta_2 v + (1 - beta_2) Delta^2."""

    beta_2: float = 0.99
    """How much of the second moment is kept in a round; at least 0 and below 1."""

    def __post_init__(self) -> None:
        _Adaptive.__post_init__(self)
        _check_shares("adam", beta_2=self.beta_2)

    def second(self, v: Array, squared: Array) -> Array:
        """See the class."""
        return self.beta_2 * v + (1 - self.beta_2) * squared


@dataclass(frozen=True, kw_only=True, slots=True)
class Yogi(_Adaptive):
    """FedYogi (Reddi et al. 2021, Algorithm 2): v <- v - (1 - beta_2) Delta^2 sign(v - Delta^2)."""

    beta_2: float = 0.99
    """How slowly the second moment follows; at least 0 and below 1."""

    def __post_init__(self) -> None:
        _Adaptive.__post_init__(self)
        _check_shares("yogi", beta_2=self.beta_2)

    def second(self, v: Array, squared: Array) -> Array:
        """See the class."""
        return v - (1 - self.beta_2) * squared * np.sign(v - squared)


def _check_positive(optimiser: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise FedsimError(f"{optimiser}: {name} must be > 0 and finite, got {value!r}")


def _check_shares(optimiser: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise FedsimError(f"{optimiser}: {name} must be >= 0 and < 1, got {value!r}")
