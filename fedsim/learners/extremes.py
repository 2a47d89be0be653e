"""The two ends between which related tasks lie: one machine for all devices, and one for each."""

from dataclasses import dataclass, field

from fedsim.learners.mocha import Mocha
from fedsim.learners.regularisers import Independent, Regulariser, Shared


@dataclass(frozen=True, kw_only=True, slots=True)
class GlobalMachine(Mocha):
    """Smith et al. 2017, "Global": one machine on the pooled examples, with the penalty (lambda / 2) |w|^2.

    CoCoA's dual ascent learns it where the examples are: MOCHA with Sigma = 1 1^T.
    """

    regulariser: Regulariser = field(default_factory=Shared, init=False)
    omega_every: int = field(default=1_000_000_000, init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalMachines(Mocha):
    """Smith et al. 2017, "Local": a machine of its own for each device, with the penalty (lambda / 2) |w_t|^2.

    MOCHA with Sigma = I. A device alone would need no messages; these carry its machine to the server, which measures.
    """

    regulariser: Regulariser = field(default_factory=lambda: Independent(variance=1.0), init=False)
    omega_every: int = field(default=1_000_000_000, init=False)
