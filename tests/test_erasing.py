"""Keys that open what is sealed in a log, and can be thrown away: whoever is forgotten cannot be read in any copy."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_lab import Database, Event, EventStore, KeyRing, Sealed
from eda_lab.erasing import ErasedError, TamperedError
from eda_lab.errors import OptionError

TEXT = st.text(st.characters(codec="utf-8"), max_size=200)


class HomeGiven(Event):
    order_id: str
    home: Sealed


@given(TEXT, st.text(st.characters(categories=("L", "N")), min_size=1))
def test_what_is_sealed_can_be_opened(text: str, label: str) -> None:
    keys = KeyRing()
    assert keys.open(keys.seal("ADA", text, label=label)) == text


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 64, 1000])
def test_a_text_of_any_length_comes_back_and_none_of_it_can_be_seen(length: int) -> None:
    keys = KeyRing(seed=1)
    sealed = keys.seal("ADA", "x" * length, label="1")
    assert keys.open(sealed) == "x" * length
    assert len(bytes.fromhex(sealed.box)) == 16 + length
    assert b"xxx" not in bytes.fromhex(sealed.box)


def test_the_same_text_gives_another_box_under_another_label_or_person() -> None:
    keys = KeyRing(seed=1)
    boxes = {
        keys.seal(person, "1 Mill Lane", label=label).box
        for person in ("ADA", "BOB")
        for label in ("order-1", "order-2")
    }
    assert len(boxes) == 4
    assert len({box[32:] for box in boxes}) == 4  # the bodies differ as well, not only the beginnings


def test_a_seed_gives_the_same_box_in_each_run_and_no_seed_another_one() -> None:
    def box(keys: KeyRing) -> str:
        return keys.seal("ADA", "1 Mill Lane", label="1").box

    assert box(KeyRing(seed=1)) == box(KeyRing(seed=1)) != box(KeyRing(seed=2))
    assert box(KeyRing()) != box(KeyRing())


def test_another_key_does_not_open_it() -> None:
    sealed = KeyRing().seal("ADA", "1 Mill Lane", label="1")
    other = KeyRing()
    with pytest.raises(TamperedError, match="'ADA' as '1'"):
        other.open(sealed)
    other.seal("ADA", "something else", label="2")
    with pytest.raises(TamperedError) as caught:
        other.open(sealed, erased="(erased)")
    assert (caught.value.person, caught.value.label) == ("ADA", "1")


def test_every_changed_bit_is_found() -> None:
    keys = KeyRing(seed=1)
    sealed = keys.seal("ADA", "1 Mill", label="1")
    box = bytes.fromhex(sealed.box)
    for place in range(len(box) * 8):
        changed = bytearray(box)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(TamperedError):
            keys.open(msgspec.structs.replace(sealed, box=changed.hex()))


@pytest.mark.parametrize("box", ["", "00", "no hex", "ab" * 15, "é"])
def test_a_broken_box_is_found(box: str) -> None:
    keys = KeyRing(seed=1)
    sealed = keys.seal("ADA", "1 Mill Lane", label="1")
    with pytest.raises(TamperedError):
        keys.open(msgspec.structs.replace(sealed, box=box))


def test_a_box_cannot_be_moved_to_another_label_or_person() -> None:
    keys = KeyRing(seed=1)
    sealed = keys.seal("ADA", "1 Mill Lane", label="1")
    keys.seal("BOB", "2 Hill Road", label="1")
    for other in ({"label": "2"}, {"person": "BOB"}):
        with pytest.raises(TamperedError):
            keys.open(msgspec.structs.replace(sealed, **other))


def test_whoever_is_forgotten_stays_so_and_the_others_do_not_notice() -> None:
    keys = KeyRing()
    ada, bob = keys.seal("ADA", "1 Mill Lane", label="1"), keys.seal("BOB", "2 Hill Road", label="2")
    assert keys.knows("ADA")
    keys.forget("ADA")
    keys.forget("ADA")
    assert not keys.knows("ADA")
    assert keys.open(ada, erased="(erased)") == "(erased)"
    assert keys.open(bob) == "2 Hill Road"
    with pytest.raises(ErasedError, match="thrown away"):
        keys.open(ada)
    with pytest.raises(ErasedError) as caught:
        keys.seal("ADA", "again", label="3")
    assert caught.value.person == "ADA"


def test_a_person_who_never_had_a_key_can_be_forgotten_in_advance() -> None:
    keys = KeyRing()
    keys.forget("EVE")
    with pytest.raises(ErasedError):
        keys.seal("EVE", "x", label="1")


def test_the_keys_are_in_the_database_that_was_given_and_the_thrown_away_one_is_not() -> None:
    db = Database()
    keys = KeyRing(db)
    sealed = keys.seal("ADA", "1 Mill Lane", label="1")
    assert KeyRing(db).open(sealed) == "1 Mill Lane"
    keys.forget("ADA")
    assert dict(db.table("keys")) == {"ADA": ""}


def test_a_person_is_erased_from_a_log_and_from_its_backup_and_nothing_is_rewritten(tmp_path: Path) -> None:
    keys = KeyRing()
    homes = {"ADA": "1 Mill Lane", "BOB": "2 Hill Road"}
    with EventStore(tmp_path / "shop.db") as log, EventStore() as copy:
        for number, (person, home) in enumerate(homes.items(), 1):
            log.append(f"order-{number}", HomeGiven(str(number), keys.seal(person, home, label=str(number))))
        log.export_jsonl(tmp_path / "backup.jsonl")
        keys.forget("ADA")
        log.export_jsonl(tmp_path / "after.jsonl")
        assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "backup.jsonl").read_bytes()
        assert "Mill" not in (tmp_path / "backup.jsonl").read_text()
        copy.import_jsonl(tmp_path / "backup.jsonl")
        for store in (log, copy):
            assert store.verify() == 2
            opened = [keys.open(message.data.home, erased="-") for message in store.read_all()]
            assert opened == ["-", "2 Hill Road"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda keys: keys.seal("", "x", label="1"), "person"),
        (lambda keys: keys.seal("ADA", b"x", label="1"), "give text"),
        (lambda keys: keys.seal("ADA", "\ud800", label="1"), "give text"),
        (lambda keys: keys.seal("ADA", "x", label=5), "label"),
        (lambda keys: keys.open("5efe68"), "what seal returned"),
        (lambda keys: keys.forget(None), "person"),
        (lambda _: KeyRing("keys.db"), "give a Database"),
    ],
)
def test_what_cannot_be_sealed_or_opened_is_told_so(call: object, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        call(KeyRing())  # type: ignore[operator]
