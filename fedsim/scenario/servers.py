"""From the words about servers to the machines that the system has."""

from fedsim.errors import NoRouteError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario.fleets import Cuts
from fedsim.scenario.schema import Edges, Scenario, ServerPlace
from fedsim.system.edges import edge_of
from fedsim.system.fleet import Fleet
from fedsim.system.messenger import Messenger
from fedsim.system.profiles import Profiles
from fedsim.system.server import Server, ServerSpec
from fedsim.tasks.arrays import IntArray


def make_server(
    scenario: Scenario, profiles: Profiles, messenger: Messenger, cuts: Cuts, sim: Simulation
) -> Server | None:
    """The server with what takes it down; None where there is none."""
    if scenario.server is None:
        return None
    spec = _server_spec(scenario.server, scenario.server.at, profiles)
    return Server(sim, spec, messenger, [cut for words, cut in cuts if words.server])


def make_edges(scenario: Scenario, profiles: Profiles, messenger: Messenger, sim: Simulation) -> list[Server]:
    """The edge servers, in the order in which they are named."""
    words = scenario.edges
    if words is None:
        return []
    return [Server(sim, _server_spec(words, place, profiles), messenger) for place in words.at]


def edges_of(scenario: Scenario, fleet: Fleet) -> IntArray | None:
    """The edge server of each device, (n,); None where there are none.

    Raises:
        ScenarioError: if a device cannot reach any.
    """
    words = scenario.edges
    if words is None:
        return None
    try:
        return edge_of(fleet, scenario.topology, words.at, words.groups)
    except NoRouteError as error:
        raise ScenarioError(f"{scenario.origin}: edges: {error}") from None


def _server_spec(words: ServerPlace | Edges, place: str, profiles: Profiles) -> ServerSpec:
    machine = profiles.devices[words.device]
    return ServerSpec(
        place=place,
        flops_per_s=machine.flops_per_s,
        train_w=machine.train_w,
        idle_w=machine.idle_w,
        service_s=words.service_s,
        crashes=None if words.crashes is None else words.crashes.make(),
        interrupted=words.interrupted,
    )
