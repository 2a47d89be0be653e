"""Availability, crashes and churn in words."""

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import check, load, resolved
from fedsim.scenario.build import comings_and_goings
from fedsim.system.attendance import Replay
from fedsim.system.attendance_file import Reading
from fedsim.system.availability import AVAILABILITIES, Availability, Conditions, Leaning
from fedsim.system.churn import Churn
from fedsim.system.daily import Daily
from fedsim.system.law import Choice, Constant, Exponential, Uniform
from fedsim.system.scipy_law import ScipyLaw

STAYS = {"stay": "3 h", "away": {"exponential": {"mean": "5 h"}}}
RULE = Availability(stay_s=Constant(10_800.0), away_s=Exponential(18_000.0))
PHONES = AVAILABILITIES["phones"]


def group(tiny, **changes):
    return {**tiny, "fleet": [{**tiny["fleet"][0], **changes}]}


def rule_of(tiny, **changes):
    """The system's rules, and the same after the scenario was written and read again."""
    scenario = check(group(tiny, **changes))
    again = check(yaml.safe_load(resolved(scenario)))
    assert again == scenario
    fleet, _ = comings_and_goings(again, Simulation())
    return fleet.groups[0].comings


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ("always", []),
        (None, []),
        (STAYS, [RULE]),
        ("phones", [PHONES]),
        ({"profile": "phones", "away": "5 h"}, [Availability(stay_s=PHONES.stay_s, away_s=Constant(18_000.0))]),
        (
            {
                "profile": "phones",
                "level": {"scipy": {"name": "beta", "a": 1.3, "b": 6}},
                "daily": {"swing": 0.6, "peak": "3 h", "zone": {"choice": ["-5 h", "1 h"]}},
                "leaning": {"by": "slowness", "stay": 0.5, "away": 2},
            },
            [
                Availability(
                    stay_s=PHONES.stay_s,
                    away_s=PHONES.away_s,
                    level=ScipyLaw("beta", (("a", 1.3), ("b", 6.0))),
                    daily=Daily(swing=0.6, peak_s=10_800.0, zone_s=Choice((-18_000.0, 3600.0))),
                    leaning=Leaning(by="slowness", stay=0.5, away=2.0),
                )
            ],
        ),
        (
            {"charging": STAYS, "unmetered": "phones"},
            [Conditions(charging=RULE, unmetered=PHONES)],
        ),
    ],
)
def test_words_become_rules(tiny, words, rules):
    assert rule_of(tiny, availability=words) == rules


def test_arrivals_and_departures(tiny):
    churn = {"arrives": {"uniform": ["0 s", "1 d"]}, "belongs": {"exponential": {"mean": "10 d"}}}
    expected = Churn(arrives_s=Uniform(0.0, 86_400.0), belongs_s=Exponential(864_000.0))
    assert rule_of(tiny, churn=churn) == [expected]


def test_a_trace_lies_beside_the_scenario(tiny, tmp_path):
    (tmp_path / "trace.csv").write_text("device,start_s,end_s\na,10,30\n")
    words = {"trace": "trace.csv", "stretch": 2, "shift": {"uniform": ["0 s", "1 min"]}, "loop": False, "lasts": "1 h"}
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(group(tiny, availability=words)))
    scenario = load(path)
    assert check(yaml.safe_load(resolved(scenario))) == scenario
    (rule,) = comings_and_goings(scenario, Simulation())[0].groups[0].comings
    trace = str(tmp_path / "trace.csv")
    reading = Reading(lasts_s=3600.0)
    assert rule == Replay(trace=trace, reading=reading, stretch=2.0, shift_s=Uniform(0.0, 60.0), loop=False)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"availability": "phone"},
            "availability: 'phone' is not a known availability; did you mean 'phones'? (known: always, phones)",
        ),
        ({"availability": {"profile": "phnes"}}, "did you mean 'phones'?"),
        ({"availability": {"stay": "3 h"}}, "fleet[0].availability.away: is missing"),
        ({"availability": {"stay": "3 W", "away": "1 h"}}, "fleet[0].availability.stay: '3 W' is not a time"),
        ({"availability": {"stay": "0 s", "away": "1 h"}}, "fleet[0].availability.stay: must be > 0, got 0 s"),
        (
            {"availability": {**STAYS, "levle": 1}},
            "'levle' is not a known key; did you mean 'level'?",
        ),
        ({"availability": {**STAYS, "level": "120 %"}}, "availability.level: must lie between 0 % and 100 %"),
        ({"availability": {**STAYS, "daily": {"swing": 2.0}}}, "availability.daily.swing: must be <= 1"),
        (
            {"availability": {"stay": "3 h", "away": "5 h", "daily": {}}},
            "fleet[0].availability: absences that follow the hour need a law with a density, got a constant",
        ),
        ({"availability": {**STAYS, "leaning": {"by": "labels"}}}, "labels go together with by 'labels'"),
        ({"availability": {**STAYS, "leaning": {"by": "slowness", "away": 0}}}, "leaning.away: must be > 0 and finite"),
        ({"availability": {"idle": {"stay": "3 h"}}}, "fleet[0].availability.idle.away: is missing"),
        ({"availability": {"idle": STAYS, "charge": STAYS}}, "availability.charge: 'charge' is not a known key"),
        ({"availability": {"trace": "none.csv"}}, "fleet[0].availability.trace: none.csv: cannot be read"),
        ({"availability": {"trace": "none.csv", "loop": "no"}}, "availability.loop: must be true or false, got 'no'"),
        (
            {"availability": {"trace": "none.csv", "drop_first": 1}},
            "availability.drop_first: must be true or false, got 1",
        ),
        ({"churn": {}}, "fleet[0].churn: must say arrives, belongs, or both"),
        ({"churn": {"belongs": "-1 s"}}, "fleet[0].churn.belongs: must be > 0, got -1 s"),
    ],
)
def test_mistakes_say_where_they_are(tiny, changes, line):
    with pytest.raises(ScenarioError) as caught:
        check(group(tiny, **changes))
    assert line in str(caught.value)


def test_leaning_by_labels_reads_the_data(tiny):
    """Owners of much of class 0 are away for ever, as it were; the others nearly always there."""
    leaning = {"by": "labels", "labels": [0], "stay": 1e-6, "away": 1e6}
    stays = {"stay": {"exponential": {"mean": "10 h"}}, "away": {"exponential": {"mean": "1 s"}}, "leaning": leaning}
    words = group(tiny, availability=stays, count=8) | {
        "data": {"name": "iris", "partition": {"name": "dirichlet", "alpha": 0.01}}
    }
    scenario = check(words)
    fleet, (presence,) = comings_and_goings(scenario, Simulation(seed=1))
    there, _ = presence.at(fleet.kind * 0 + range(8), 3600.0)
    assert 0 < there.sum() < 8


def leaning_by(*labels):
    return {**STAYS, "leaning": {"by": "labels", "labels": list(labels), "away": 2}}


COUNTS = {"name": "counts", "examples": 10, "features": 3}


@pytest.mark.parametrize(
    ("availability", "data", "lines"),
    [
        (
            leaning_by(77),
            "iris",
            ["leaning.labels[0]: 77 is not a known class of iris; did you mean 2? (known: 0 to 2)"],
        ),
        (
            {"idle": "phones", "charging": leaning_by(1, -1, 10)},
            "digits",
            [
                "charging.leaning.labels[1]: -1 is not a known class of digits; did you mean 0? (known: 0 to 9)",
                "charging.leaning.labels[2]: 10 is not a known class of digits; did you mean 9? (known: 0 to 9)",
            ],
        ),
        (leaning_by(0), COUNTS, ["leaning.by: labels need data, and 'counts' are none: lean by slowness"]),
    ],
)
def test_labels_that_the_data_do_not_have_are_refused(tiny, availability, data, lines):
    with pytest.raises(ScenarioError) as caught:
        check(group(tiny, availability=availability) | {"data": data})
    assert str(caught.value).splitlines() == [f"scenario: fleet[0].availability.{line}" for line in lines]


def test_labels_that_the_data_have_are_taken(tiny):
    scenario = check(group(tiny, availability={"idle": leaning_by(0, 2)}))
    assert scenario.fleet[0].availability.idle.leaning.labels == (0, 2)


def test_labels_without_an_example_are_refused_when_the_data_are_read(tiny):
    """For data that are not read before: here those of another scenario are put in the place of digits."""
    digits = check(group(tiny, availability=leaning_by(0, 7, 9)) | {"data": "digits"})
    scenario = digits.model_copy(update={"data": check(tiny).data})
    with pytest.raises(ScenarioError, match=r"leans by labels of which there is no example: 7, 9$"):
        comings_and_goings(scenario, Simulation())
