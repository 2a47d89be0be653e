"""What peers do under any gossip: work on their own, and messages to each other."""

from fedsim.errors import JobRefusedError, MessageFailedError, NoRouteError
from fedsim.learners.learner import Array
from fedsim.learners.workbench import Answer
from fedsim.protocols.cost import cost
from fedsim.protocols.node import Delivery, DeviceNode, Stint
from fedsim.protocols.session import GossipSession


async def work(session: GossipSession, node: DeviceNode, own: Array, number: int) -> Answer:
    """Local work of a peer on its own state; one whose device refuses it does no step."""
    training, index = session.training, node.index
    try:
        return await _train(session, node, own, number)
    except JobRefusedError:
        ticket = training.begin(index, own, 0, (node.name, number), number - 1)
        return training.bench.take(ticket)


async def _train(session: GossipSession, node: DeviceNode, own: Array, number: int) -> Answer:
    training, index = session.training, node.index
    steps = training.costs[index].steps
    ticket = training.begin(index, own, steps, (node.name, number), number - 1)
    try:
        await cost(training, index, steps).spend(node)
        return training.bench.take(ticket)
    finally:
        training.bench.drop(ticket)


async def deliver(node: DeviceNode, target: DeviceNode, size_bytes: int, stint: Stint) -> Delivery:
    """Send until it arrives, as long as there is a way: a peer that is missed would hold up its neighbours.

    Raises:
        DeviceDownError: the target is not there, or went before it had all of it.
        NoRouteError: nothing connects the two.
    """
    while True:
        try:
            return await node.send(target, size_bytes)
        except NoRouteError:
            raise
        except MessageFailedError as error:
            stint.lose(error.cause, sent_bytes=error.sent_bytes)
