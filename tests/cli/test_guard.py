import pytest
import typer

from fedsim.cli.guard import guard
from fedsim.errors import FedsimError, ScenarioError


def ended(error):
    with pytest.raises(typer.Exit) as caught, guard():
        raise error
    return caught.value.exit_code


def test_a_refusal_is_its_message_and_exit_2(capsys):
    assert ended(ScenarioError("a.yaml: one\na.yaml: two")) == 2
    assert capsys.readouterr() == ("", "a.yaml: one\na.yaml: two\n")


def test_refusals_in_groups_are_unwrapped_and_said_once(capsys):
    inner = ExceptionGroup("unhandled errors in a TaskGroup", [FedsimError("no way"), FedsimError("no way")])
    assert ended(ExceptionGroup("outer", [inner, FedsimError("no charge")])) == 2
    assert capsys.readouterr().err == "no way\nno charge\n"


def test_an_interrupt_is_a_note_and_exit_130(capsys):
    assert ended(KeyboardInterrupt()) == 130
    assert ended(BaseExceptionGroup("all", [KeyboardInterrupt(), FedsimError("cut short")])) == 130
    assert capsys.readouterr().err == 2 * "interrupted: nothing was written\n"


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), guard():
        raise ZeroDivisionError
    with pytest.raises(ExceptionGroup), guard():
        raise ExceptionGroup("mixed", [FedsimError("a"), ZeroDivisionError()])


def test_all_is_well(capsys):
    with guard():
        print("done")  # noqa: T201  # what a command prints
    assert capsys.readouterr() == ("done\n", "")
