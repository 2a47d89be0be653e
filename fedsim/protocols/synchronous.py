"""Synchronous rounds: invite a cohort, wait for enough answers or the deadline, combine, repeat.

Bonawitz et al., "Towards federated learning at scale: system design", SysML 2019, section 2: the server invites
more devices than it needs (over-selection), closes the round when it has enough answers or at a deadline, and
throws the rest away, unless late answers are kept.
"""

import asyncio
from dataclasses import dataclass

from fedsim.protocols.fit import check_fit
from fedsim.protocols.round_rules import RoundRules
from fedsim.protocols.rounds import Rounds
from fedsim.protocols.session import CentralSession


@dataclass(frozen=True, kw_only=True)
class SynchronousRounds(RoundRules):
    """Rounds of ``cohort`` answers from ``cohort * over_selection`` invited devices, by ``selection``.

    What the fields mean is said by ``RoundRules``.
    """

    async def run(self, session: CentralSession) -> None:
        """Rounds until the monitor has enough, or nobody is left.

        Raises:
            FedsimError: if the learner is not for these rules.
        """
        check_fit(self, session.training.learner, session.devices.eligible)
        async with asyncio.TaskGroup() as group:
            rounds = Rounds.of(self, session, group)
            number = 0
            while not session.monitor.is_done():
                number += 1
                await session.server.back()
                if not await session.devices.gathered(self.quorum):
                    session.monitor.stop("too few devices are left")
                    break
                await rounds.play(number)
                session.monitor.round_ended(number)
            rounds.end("stopped")
