"""Ridge regression."""

from dataclasses import dataclass

from fedsim.errors import FedsimError
from fedsim.tasks.least_squares import LeastSquares


@dataclass(frozen=True, kw_only=True, slots=True)
class Ridge(LeastSquares):
    """Linear regression with a penalty on its weights: ``LeastSquares`` by another name, with a penalty by default.

    With losses weighted 1 / n each, scikit-learn's ``Ridge(alpha=n * l2)`` has the same minimum.
    """

    l2: float = 0.01

    def __post_init__(self) -> None:
        LeastSquares.__post_init__(self)
        if not self.l2 > 0:
            raise FedsimError(f"ridge: l2 must be > 0, got {self.l2!r}: without it take linear-regression")
