"""What peers do under any gossip: work on their own, and messages to each other."""

from fedsim.errors import JobRefusedError, MessageFailedError, NoRouteError
from fedsim.learners.tape import Done, Due
from fedsim.protocols.cost import cost
from fedsim.protocols.node import Delivery, DeviceNode, Stint
from fedsim.protocols.session import GossipSession


async def work(session: GossipSession, node: DeviceNode, own: Due, number: int) -> Done:
    """Local work of a peer on its own state; one whose device refuses it does no step."""
    training, index, luck = session.training, node.index, (node.name, number)
    labour = training.begin(index, own, training.costs[index].steps, luck, number - 1)
    try:
        await cost(training, index, labour.steps).spend(node)
    except JobRefusedError:
        labour = training.begin(index, own, 0, luck, number - 1)
    return training.done(labour)


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
