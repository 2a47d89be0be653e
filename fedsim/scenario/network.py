"""What a scenario says about its network beside the topology."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from fedsim.scenario.block import read_block, write_block
from fedsim.scenario.catalogue import Part, standard_catalogue
from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_name
from fedsim.scenario.definitions import one_of_names, or_null, to
from fedsim.scenario.failures import MessageDelay
from fedsim.scenario.link_rate import LinkRate, once_each
from fedsim.scenario.names import InWords
from fedsim.scenario.quantity import FactorLaw, LossShare, Size, Time
from fedsim.system.retry import Retry
from fedsim.system.routing import METRICS, Metric

SHARING = ("max-min", "equal-split")
"""How messages share links: max-min fairly, or as in Marfoq's model of delays: each access link in equal parts by the
number of neighbours in the overlay, and nothing in the core."""

DEFAULT: Final = "tcp"


def _default_transport() -> Part:
    return standard_catalogue().read("transport", DEFAULT)


def _named(words: Any) -> Any:
    """A block without a name sets keys of the default transport."""
    return {"name": DEFAULT, **words} if isinstance(words, Mapping) else words


TransportPart = Annotated[
    Part,
    InWords(
        read=lambda words, there: there.catalogue.read("transport", _named(words)),
        write=lambda part, there: there.catalogue.write(part),
    ),
    WithJsonSchema(to("transport")),
]
RetryBlock = Annotated[
    Retry | None,
    InWords(
        read=lambda words, there: None if words is None else read_block(Retry, words, there.catalogue.choices),
        write=lambda retry, there: None if retry is None else write_block(retry, there.catalogue.choices),
    ),
    WithJsonSchema(or_null(to("retry"))),
]
Sharing = Annotated[
    str,
    PlainValidator(lambda words: read_name("way of sharing", SHARING, words)),
    WithJsonSchema(one_of_names(SHARING)),
]
Routes = Annotated[
    Metric,
    PlainValidator(lambda words: read_name("metric of routes", METRICS, words)),
    WithJsonSchema(one_of_names(METRICS)),
]


class NetworkRules(Checked):
    """How messages pass, and what happens to them.

    ``jitter`` is the law of a factor on the delays of each message. ``message_loss`` is the probability that a
    message, or each chunk of one, is sent in full and lost; ``message_corruption`` that it arrives and is thrown away,
    because its checksum does not match; ``message_duplication`` that a message that arrived comes once more, in vain.
    ``message_delay`` holds some up. Without a route, a sender
    gives up after ``give_up_s``. ``retry`` sends what failed again, None leaves that to
    the protocol. ``chunk_bytes`` cuts messages: one that breaks off or is lost loses only a chunk. ``links`` says how
    links of the topology go over time.
    """

    transport: TransportPart = Field(default_factory=_default_transport)
    """What a message costs beside its bytes."""
    sharing: Sharing = SHARING[0]
    """How flows share a link: max-min fairly, or in equal parts by the neighbours in the overlay."""
    routes: Routes = METRICS[0]
    """What the shortest route is short in."""
    jitter: FactorLaw | None = None
    """Factor on the delays of each message; null for none."""
    message_loss: LossShare = 0.0
    """Chance that a message, or each chunk of one, is sent in full and lost."""
    message_corruption: LossShare = 0.0
    """Chance that a message arrives and is thrown away, because its checksum does not match."""
    message_duplication: LossShare = 0.0
    """Chance that a message that arrived comes once more, in vain."""
    message_delay: MessageDelay | None = None
    """Holds some messages up; null for none."""
    give_up_s: Time = Field(default=3.0, alias="give_up")
    """How long a sender without a route waits for one."""
    retry: RetryBlock = None
    """Sends again what failed; null leaves that to the protocol."""
    chunk_bytes: Size | None = Field(default=None, alias="chunk")
    """Messages are cut into pieces of this size: what fails loses only one; null for whole messages."""
    links: Annotated[tuple[LinkRate, ...], AfterValidator(once_each)] = ()
    """How links of the topology go over time."""
