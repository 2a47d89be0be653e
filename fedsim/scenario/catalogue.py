"""Which names a scenario file may use, and what they stand for: the one place that knows all learners and models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.learners.affinity import Affinity, GivenAffinity, LearnedAffinity
from fedsim.learners.averaging import Averaging
from fedsim.learners.choco import ChocoSgd
from fedsim.learners.cluster_relation import Clustered
from fedsim.learners.clustered import ClusteredFL
from fedsim.learners.cocoa import Cocoa
from fedsim.learners.codecs import Codec, Float16, Qsgd, RandomK, TopK
from fedsim.learners.decay import Decay, Exponential, Milestones
from fedsim.learners.dfedem import DFedEM
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.dsgt import Dsgt
from fedsim.learners.extremes import GlobalMachine, LocalMachines
from fedsim.learners.fastest_mixing import FastestMixing, Fdla
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.feddyn import FedDyn
from fedsim.learners.fedem import FedEM
from fedsim.learners.fedprox import FedProx
from fedsim.learners.fedsgd import FedSgd
from fedsim.learners.graph_dual import GraphDual
from fedsim.learners.graph_gradient import GraphGradient
from fedsim.learners.local import Local
from fedsim.learners.local_tuning import FedAvgTuned
from fedsim.learners.mb_sdca import MbSdca
from fedsim.learners.mb_sgd import MbSgd
from fedsim.learners.mixing import EqualShares, MaxDegree, Metropolis, Mixing, OverlayWeights
from fedsim.learners.mocha import Mocha
from fedsim.learners.pfedme import PFedMe
from fedsim.learners.regularisers import Independent, MeanRegularised, ProbabilisticPrior, Regulariser, Shared
from fedsim.learners.scaffold import Scaffold
from fedsim.learners.server_optimiser import Adagrad, Adam, Mean, Momentum, Optimiser, Yogi
from fedsim.learners.sparse_precision import SparsePrecision
from fedsim.learners.staleness import ConstantStaleness, HingeStaleness, PolynomialStaleness, Staleness
from fedsim.protocols.asynchronous import AsynchronousUpdates
from fedsim.protocols.asynchronous_gossip import AsynchronousGossip
from fedsim.protocols.effort import DrawnEffort, Effort, EffortByCharge, WholeEffort
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.protocols.hierarchical import HierarchicalRounds
from fedsim.protocols.overlay import Overlay
from fedsim.protocols.power_of_choice import PowerOfChoice
from fedsim.protocols.selection import (
    ByCharge,
    ByExamples,
    ByProbability,
    BySpeed,
    RoundRobin,
    Selection,
    Uniform,
)
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.scenario.block import read_block, write_block
from fedsim.scenario.codec import Choices
from fedsim.scenario.data import Bundled, BundledTargets, Counts
from fedsim.scenario.data_files import CsvFile, Images, LibsvmFile, NpzFile, Users
from fedsim.scenario.plugins import Plugins
from fedsim.scenario.refusal import Refused, refuse
from fedsim.system.congestion import Congestion, Cubic, Mathis
from fedsim.system.generators import regular
from fedsim.system.generators.cellular import HierarchicalCellular
from fedsim.system.generators.generator import Generator
from fedsim.system.generators.geometric import RandomGeometric
from fedsim.system.generators.random_graphs import BarabasiAlbert, ErdosRenyi, WattsStrogatz
from fedsim.system.ideal import Ideal
from fedsim.system.lv08 import Lv08
from fedsim.system.overlay import Complete, Path, Ring, Star, Torus
from fedsim.system.overlay_changing import OnePeerExponential, RandomMatchings
from fedsim.system.overlay_file import Listed
from fedsim.system.overlay_matcha import Matcha
from fedsim.system.overlay_random import RandomPairs, RandomRegular, SmallWorld
from fedsim.system.overlay_trees import BottleneckTree, MinimumTree
from fedsim.system.overlay_underlay import AsUnderlay
from fedsim.system.peers import BaseOverlay
from fedsim.system.tcp import Tcp
from fedsim.tasks.datasets import BUNDLED, REGRESSIONS
from fedsim.tasks.files.known import NPZ
from fedsim.tasks.generators import relations
from fedsim.tasks.generators.feddyn import FedDynSynthetic
from fedsim.tasks.generators.fedem import FedEmMixture
from fedsim.tasks.generators.linear_tasks import LinearTasks
from fedsim.tasks.generators.synthetic import Synthetic
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.losses import DualLoss, Hinge, LogLoss, Squared, SquaredHinge
from fedsim.tasks.partitions.by_class import ByClass
from fedsim.tasks.partitions.by_user import ByUser
from fedsim.tasks.partitions.class_prior import ClassPrior
from fedsim.tasks.partitions.dirichlet import Dirichlet
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.partitions.partition import Partition
from fedsim.tasks.partitions.quantity import Lognormal, Zipf
from fedsim.tasks.partitions.shards import Shards
from fedsim.tasks.ridge import Ridge
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

_MARGINS = ("svm", "logistic", "linear-regression")  # models that learners of related tasks train

_CHANGING: Final = MappingProxyType({
    "one-peer-exponential": OnePeerExponential,
    "random-matchings": RandomMatchings,
    "matcha": Matcha,
})  # fmt: skip

_OVERLAYS: Final[Mapping[str, type[Any]]] = MappingProxyType({
    "ring": Ring,
    "complete": Complete,
    "path": Path,
    "star": Star,
    "torus": Torus,
    "mst": MinimumTree,
    "delta-mbst": BottleneckTree,
    "k-regular": RandomRegular,
    "erdos-renyi": RandomPairs,
    "watts-strogatz": SmallWorld,
    "underlay": AsUnderlay,
    "listed": Listed,
})  # fmt: skip

Role = Literal["data", "model", "learner", "protocol", "transport"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a name stands for: a dataclass, and what it goes together with.

    ``family`` is that of a learner or protocol: "central" or "decentralised". ``models`` are the names of those that
    a learner can train, empty for any. ``provided`` are fields that the run fills in when it knows them, such as the
    number of classes, each with a value that will do to check the rest of the block.
    """

    type: type[Any]
    family: str = ""
    models: tuple[str, ...] = ()
    provided: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A block of a scenario: its name, and the object that its other keys describe."""

    name: str
    kind: Kind
    value: Any

    def make(self, **provided: Any) -> Any:
        """The object, with the fields that only the run knows.

        Raises:
            FedsimError: if these are not exactly the fields that the kind leaves to the run.
        """
        if provided.keys() != self.kind.provided.keys():
            wanted = ", ".join(self.kind.provided) or "nothing"
            raise FedsimError(f"{self.name} needs {wanted} from the run, got {', '.join(provided) or 'nothing'}")
        return replace(self.value, **provided)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Names by role, and the choices for every Protocol that is a field somewhere."""

    kinds: Mapping[Role, Mapping[str, Kind]]
    choices: Choices = field(default_factory=dict)

    def read(self, role: Role, words: Any) -> Part:
        """The part that a block describes; a bare name stands for a block of defaults.

        Raises:
            Refused: with every mistake in the block.
        """
        block = {"name": words} if isinstance(words, str) else words
        known = self.kinds[role]
        if not isinstance(block, Mapping) or "name" not in block:
            raise refuse(f"must say its name, one of {', '.join(known)}, got {problems.shown(words)}")
        name = block["name"]
        if not isinstance(name, str) or name not in known:
            raise Refused([(("name",), problems.unknown(name, role, known))])
        try:
            kind = known[name]
        except FedsimError as error:
            raise Refused([(("name",), str(error))]) from None
        rest = {key: value for key, value in block.items() if key != "name"}
        return Part(name=name, kind=kind, value=read_block(kind.type, rest, self.choices, kind.provided))

    def write(self, part: Part) -> dict[str, Any]:
        """The block of a part, every key in words."""
        return {"name": part.name, **write_block(part.value, self.choices, part.kind.provided)}


_ROWS: Final[Mapping[str, int]] = {"features": 1, "classes": 2}


def _learner(cls: type[Any]) -> Kind:
    """What another package's learner goes together with, by what it has."""
    central, peer = hasattr(cls, "aggregate"), hasattr(cls, "mix")
    if central == peer:
        raise FedsimError(f"learner {cls.__name__} must have either aggregate (a server's) or mix (a peer's)")
    return Kind(type=cls, family="central" if central else "decentralised")


def _model(cls: type[Any]) -> Kind:
    return Kind(type=cls, provided={field.name: _ROWS[field.name] for field in fields(cls) if field.name in _ROWS})


@cache
def standard_catalogue() -> Catalogue:
    """Everything that ships with fedsim, and learners and models that other packages bring.

    Entry points of the groups ``fedsim.learners`` and ``fedsim.models`` are read; see ``Plugins``.
    """
    rows = _ROWS
    models = {
        "softmax": Kind(type=Softmax, provided=rows),
        "logistic": Kind(type=Logistic, provided=rows),
        "svm": Kind(type=LinearSvm, provided=rows),
        "linear-regression": Kind(type=LeastSquares, provided={"features": 1}),
        "ridge": Kind(type=Ridge, provided={"features": 1}),
    }
    mixable = ("softmax", "logistic", "linear-regression", "ridge")
    learners = {
        "fedsgd": Kind(type=FedSgd, family="central"),
        "fedavg": Kind(type=FedAvg, family="central"),
        "fedasync": Kind(type=FedAsync, family="central"),
        "fedbuff": Kind(type=FedBuff, family="central"),
        "fedavg+": Kind(type=FedAvgTuned, family="central"),
        "fedem": Kind(type=FedEM, family="central", models=mixable),
        "clustered": Kind(type=ClusteredFL, family="central"),
        "pfedme": Kind(type=PFedMe, family="central"),
        "local": Kind(type=Local, family="central"),
        "fedprox": Kind(type=FedProx, family="central"),
        "scaffold": Kind(type=Scaffold, family="central"),
        "feddyn": Kind(type=FedDyn, family="central"),
        "d-psgd": Kind(type=DPsgd, family="decentralised"),
        "d-fedem": Kind(type=DFedEM, family="decentralised", models=mixable),
        "graph-dual": Kind(type=GraphDual, family="decentralised", models=_MARGINS),
        "graph-gradient": Kind(type=GraphGradient, family="decentralised", models=_MARGINS),
        "dsgt": Kind(type=Dsgt, family="decentralised"),
        "choco-sgd": Kind(type=ChocoSgd, family="decentralised"),
        "averaging": Kind(type=Averaging, family="decentralised"),
        "mocha": Kind(type=Mocha, family="central", models=_MARGINS),
        "cocoa": Kind(type=Cocoa, family="central", models=_MARGINS),
        "mb-sdca": Kind(type=MbSdca, family="central", models=_MARGINS),
        "global-machine": Kind(type=GlobalMachine, family="central", models=_MARGINS),
        "local-machines": Kind(type=LocalMachines, family="central", models=_MARGINS),
        "mb-sgd": Kind(type=MbSgd, family="central", models=_MARGINS),
    }
    protocols = {
        "synchronous-rounds": Kind(type=SynchronousRounds, family="central"),
        "asynchronous-updates": Kind(type=AsynchronousUpdates, family="central"),
        "hierarchical-rounds": Kind(type=HierarchicalRounds, family="central"),
        "synchronous-gossip": Kind(type=SynchronousGossip, family="decentralised"),
        "asynchronous-gossip": Kind(type=AsynchronousGossip, family="decentralised"),
    }
    transports = {"tcp": Kind(type=Tcp), "ideal": Kind(type=Ideal), "lv08": Kind(type=Lv08)}
    return Catalogue(
        kinds={
            "data": _data(),
            "model": Plugins(models, "fedsim.models", _model),
            "learner": Plugins(learners, "fedsim.learners", _learner),
            "protocol": protocols,
            "transport": transports,
        },
        choices={
            Regulariser: {
                "mean-regularised": MeanRegularised,
                "independent": Independent,
                "probabilistic-prior": ProbabilisticPrior,
                "clustered": Clustered,
                "sparse-precision": SparsePrecision,
                "shared": Shared,
            },
            DualLoss: {"hinge": Hinge, "squared-hinge": SquaredHinge, "squared": Squared, "log": LogLoss},
            Affinity: {"given": GivenAffinity, "learned": LearnedAffinity},
            Effort: {"whole": WholeEffort, "drawn": DrawnEffort, "by-charge": EffortByCharge},
            Optimiser: {
                "none": Mean,
                "momentum": Momentum,
                "adagrad": Adagrad,
                "adam": Adam,
                "yogi": Yogi,
            },
            Decay: {"exponential": Exponential, "milestones": Milestones},
            Partition: {
                "iid": Iid,
                "dirichlet": Dirichlet,
                "class-prior": ClassPrior,
                "shards": Shards,
                "by-class": ByClass,
                "by-user": ByUser,
                "lognormal": Lognormal,
                "zipf": Zipf,
            },
            relations.Relation: {
                "common-own": relations.CommonOwn,
                "clustered": relations.Clustered,
                "low-rank": relations.LowRank,
                "sparse": relations.SparseRelations,
            },
            Congestion: {"cubic": Cubic, "mathis": Mathis},
            Overlay: {
                **_OVERLAYS,
                "one-peer-exponential": OnePeerExponential,
                "random-matchings": RandomMatchings,
                "matcha": Matcha,
            },
            BaseOverlay: _OVERLAYS,
            Mixing: {
                "metropolis": Metropolis,
                "max-degree": MaxDegree,
                "fdla": Fdla,
                "fastest-mixing": FastestMixing,
                "equal-shares": EqualShares,
                "overlay-weights": OverlayWeights,
            },
            Codec: {"float16": Float16, "qsgd": Qsgd, "top-k": TopK, "random-k": RandomK},
            Staleness: {
                "constant": ConstantStaleness,
                "polynomial": PolynomialStaleness,
                "hinge": HingeStaleness,
            },
            Selection: {
                "uniform": Uniform,
                "by-probability": ByProbability,
                "by-charge": ByCharge,
                "by-speed": BySpeed,
                "by-examples": ByExamples,
                "power-of-choice": PowerOfChoice,
                "round-robin": RoundRobin,
            },
            Generator: {
                "star": regular.Star,
                "tree": regular.Tree,
                "ring": regular.Ring,
                "path": regular.Path,
                "torus": regular.Torus,
                "complete": regular.Complete,
                "erdos-renyi": ErdosRenyi,
                "watts-strogatz": WattsStrogatz,
                "barabasi-albert": BarabasiAlbert,
                "random-geometric": RandomGeometric,
                "hierarchical-cellular": HierarchicalCellular,
            },
        },
    )


FILES: Final = MappingProxyType({"npz": NpzFile, "csv": CsvFile, "libsvm": LibsvmFile})
"""Files of one's own."""

GENERATED: Final = MappingProxyType({
    "synthetic": Synthetic,
    "feddyn-synthetic": FedDynSynthetic,
    "fedem-mixture": FedEmMixture,
    "linear-tasks": LinearTasks,
})  # fmt: skip
"""Data that are made on devices from the start."""


def _data() -> dict[str, Kind]:
    """Sets that come with scikit-learn, known sets of the data folder, files of one's own, generators, and counts."""
    types: dict[str, type[Any]] = {name: BundledTargets if name in REGRESSIONS else Bundled for name in BUNDLED}
    types |= {**dict.fromkeys(NPZ, Users), "mnist": Images, **FILES, **GENERATED, "counts": Counts}
    return {name: Kind(type=cls) for name, cls in types.items()}
