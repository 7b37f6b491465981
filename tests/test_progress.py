"""Progress: what the learner did is a log of events, and the table is replayed from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eda_lab.course import check, hint, predict, progress, solution
from eda_lab.course.exercises import EXERCISES
from eda_lab.course.progress import log_file
from eda_lab.wire import decode


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "progress.jsonl"
    monkeypatch.setenv("EDA_LAB_PROGRESS", str(path))
    return path


def row(lesson: str) -> tuple[object, ...]:
    return next(row for row in progress().table if row[0] == lesson)


def test_before_anything_was_done_every_lesson_is_open(log: Path) -> None:
    assert row("00") == ("00", "-", "-", 0, 0, "no")
    assert progress().passed == 0
    assert not log.exists()


def test_a_learners_way_through_a_lesson_is_replayed(log: Path) -> None:
    guess = predict("00-checkout")
    guess.guess = guess.question.options[-1]
    check("00-publish", lambda bus: None)
    help_ = hint("00-publish")
    help_.children[0].click()
    help_.children[0].click()
    check("00-publish", EXERCISES["00-publish"].solution)
    assert row("00") == ("00", "surprised", "passed", 2, 2, "no")
    assert progress().passed == 1
    kinds = [decode(line).type for line in log.read_bytes().splitlines()]
    assert kinds == ["question_guessed", "exercise_checked", "help_shown", "help_shown", "exercise_checked"]


def test_what_was_passed_stays_passed(log: Path) -> None:
    check("00-publish", EXERCISES["00-publish"].solution)
    check("00-publish", lambda bus: None)
    assert row("00")[2:4] == ("passed", 1)


def test_who_saw_the_solution_is_told_so(log: Path) -> None:
    solution("01-analytics").children[0].click()
    assert row("01")[5] == "yes"


def test_deleting_the_log_begins_anew(log: Path) -> None:
    check("00-publish", EXERCISES["00-publish"].solution)
    log.unlink()
    assert row("00")[2] == "-"


def test_lines_that_cannot_be_read_are_counted_and_left_out(log: Path) -> None:
    check("00-publish", EXERCISES["00-publish"].solution)
    with log.open("ab") as file:
        file.write(b'garbage\n{"specversion":"1.0","id":"1","source":"x","type":"ring","data":{}}\n\xff\xfe\n')
    assert progress().unread == 3
    assert row("00")[2] == "passed"
    assert "3 lines of the log could not be read" in repr(progress())


def test_a_log_that_cannot_be_written_stops_no_lesson_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EDA_LAB_PROGRESS", str(tmp_path / "file" / "progress.jsonl"))
    assert check("00-publish", EXERCISES["00-publish"].solution).passed
    assert "cannot be written" in repr(progress())
    monkeypatch.setenv("EDA_LAB_PROGRESS", str(tmp_path / "progress.jsonl"))
    check("00-publish", EXERCISES["00-publish"].solution)
    assert "cannot be written" not in repr(progress())


def test_the_log_is_in_the_home_folder_unless_a_variable_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDA_LAB_PROGRESS")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert log_file() == tmp_path / ".eda_lab" / "progress.jsonl"
