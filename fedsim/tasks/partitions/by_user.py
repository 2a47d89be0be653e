"""The users of the data are the devices."""

from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class ByUser:
    """As the data say: user t of the data is device t; where there are fewer devices, user t is on t modulo these."""

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``; nothing is drawn."""
        del rng
        if rows.user is None:
            raise FedsimError(f"partition: {rows.name} does not say which user a row is of: take another than by-user")
        users = int(rows.user.max()) + 1
        if not devices <= users:
            raise FedsimError(
                f"partition: {rows.name} has {users} users, too few for {devices} devices: take at most {users} "
                f"devices, or another partition than by-user"
            )
        return rows.user % devices
