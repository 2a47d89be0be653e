"""The share of a fleet that is there, over a day."""

import pytest

from fedsim.scenario import check
from fedsim.study.plot_presence import plot_presence, write_presence
from fedsim.study.presence import presence_table


@pytest.fixture(scope="module")
def table(tiny):
    daily = {"swing": 0.9, "peak": "6 h"}
    stays = {"stay": {"exponential": {"mean": "1 h"}}, "away": {"exponential": {"mean": "3 h"}}, "daily": daily}
    fleet = [
        {**tiny["fleet"][0], "name": "early", "count": 3000, "availability": stays},
        {**tiny["fleet"][0], "name": "always", "count": 1000},
    ]
    return presence_table(check({**tiny, "fleet": fleet}), every_s=1800.0)


def test_it_has_a_share_for_each_group_and_for_all(table):
    assert list(table.columns) == ["time_s", "early", "always", "all"]
    assert table["time_s"].iloc[[0, -1]].tolist() == [0.0, 86_400.0]
    assert (table["always"] == 1.0).all()
    assert table["all"].tolist() == pytest.approx(((3 * table["early"] + table["always"]) / 4).tolist())
    assert 5 <= table["time_s"][table["early"].idxmax()] / 3600 <= 9
    assert table["early"].max() > 2 * table["early"].min()


def test_a_picture_has_a_line_for_each_and_all(table, tmp_path):
    axes = plot_presence(table)
    assert [line.get_label() for line in axes.get_lines()] == ["early", "always", "all"]
    assert axes.get_lines()[2].get_ydata()[0] == pytest.approx(100 * table["all"][0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["early", "always", "all"]
    alone = plot_presence(table[["time_s", "early", "all"]])
    assert [line.get_label() for line in alone.get_lines()] == ["all"]
    write_presence(table, tmp_path / "day.png")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
