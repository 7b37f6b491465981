"""The database in memory: whole or not at all, at a cost that follows what was touched."""

import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from crash_points import crashing, points_of, survived
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab.database import Database, TransactionConflictError
from eda_lab.errors import NestedTransactionError, OptionError
from eda_lab.faults import Crashed
from eda_lab.orders import OrderPlaced, example_order


def test_a_transaction_happens_as_a_whole_or_not_at_all() -> None:
    """An error in the middle takes everything back."""
    db = Database(stock={"A": 1, "B": 0}, orders={})

    def sell() -> None:
        with db.transaction() as tables:
            tables["stock"]["A"] -= 1
            tables["orders"]["1"] = "placed"
            raise ValueError("no B left")

    with pytest.raises(ValueError, match="no B left"):
        sell()
    assert (dict(db.table("stock")), dict(db.table("orders")), db.commits) == ({"A": 1, "B": 0}, {}, 0)
    with db.transaction() as tables:
        tables["orders"]["1"] = "placed"
        tables["new"] = {"x": 1}
    assert (dict(db.table("orders")), dict(db.table("new")), db.commits) == ({"1": "placed"}, {"x": 1}, 1)


def test_a_row_that_can_be_changed_is_taken_back_too() -> None:
    """As far down as it goes; and who gave the rows away keeps them as they were."""
    mine = {"1": {"status": "placed", "lines": ["PROD1"]}}
    db = Database(orders=mine)

    def pay() -> None:
        with db.transaction() as tables:
            tables["orders"]["1"]["status"] = "paid"
            tables["orders"]["1"]["lines"].append("PROD2")
            raise ConnectionError("no answer from the bank")

    with pytest.raises(ConnectionError):
        pay()
    assert db.table("orders")["1"] == {"status": "placed", "lines": ["PROD1"]}
    with db.transaction() as tables:
        tables["orders"]["1"]["lines"].append("PROD2")
    assert db.table("orders")["1"]["lines"] == ["PROD1", "PROD2"]
    assert mine["1"]["lines"] == ["PROD1"]


def test_a_table_shows_what_is_committed_and_cannot_be_written() -> None:
    """A transaction under way is not seen, and what was read stays as it was read."""
    db = Database(stock={"A": 1})
    before = db.table("stock")
    with db.transaction() as tables:
        tables["stock"]["A"] = 2
        assert db.table("stock")["A"] == 1
    assert (before["A"], db.table("stock")["A"]) == (1, 2)
    with pytest.raises(TypeError):
        before["A"] = 5  # type: ignore[index]
    assert dict(db.table("never heard of")) == {}


@pytest.mark.parametrize("rows", [None, 5, "rows", [("A", 1)], {1, 2}])
def test_a_table_is_a_mapping(rows: Any) -> None:
    """The error names the table."""
    with pytest.raises(OptionError, match="give a table as a mapping of keys to rows") as caught:
        Database(stock={}, orders=rows)
    assert caught.value.option == "orders"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(-5, 5), st.booleans()), max_size=20))
def test_the_database_holds_the_sum_of_what_was_committed(steps: list[tuple[str, int, bool]]) -> None:
    """Whichever transactions fail."""
    db, expected = Database(stock={"A": 0, "B": 0}), {"A": 0, "B": 0}
    for key, change, fails in steps:
        with crashing(*(["before db.commit"] if fails else [])):
            try:
                with db.transaction() as tables:
                    tables["stock"][key] += change
            except Crashed:
                continue
        expected[key] += change
    assert dict(db.table("stock")) == expected
    assert db.commits == sum(not fails for _, _, fails in steps)


def test_of_two_transactions_that_overlap_the_second_to_commit_is_refused() -> None:
    """Its copy is older than what the first has committed, which would be lost."""
    db = Database(stock={"A": 0})

    def overlap() -> None:
        with db.transaction() as outer:
            with db.transaction() as inner:
                inner["stock"]["A"] += 1
            outer["stock"]["A"] += 10

    with pytest.raises(TransactionConflictError, match="try again"):
        overlap()
    assert (db.table("stock")["A"], db.commits) == (1, 1)


def test_a_transaction_reads_the_tables_as_they_were_when_it_began() -> None:
    """What another one commits meanwhile is not seen, or a decision might rest on half of it."""
    db = Database(stock={"A": 1, "B": 1}, other={})

    def overlap() -> None:
        with db.transaction() as outer:
            assert outer["stock"]["A"] == 1
            with db.transaction() as inner:
                inner["stock"]["A"] = inner["stock"]["B"] = 5
                inner["stock"]["C"] = 5
                del inner["other"]
            assert (dict(outer["stock"]), dict(outer["other"])) == ({"A": 1, "B": 1}, {})

    with pytest.raises(TransactionConflictError):
        overlap()
    assert dict(db.table("stock")) == {"A": 5, "B": 5, "C": 5}


def test_inside_a_transaction_that_is_alone_nobody_begins_another_one() -> None:
    """Not in this thread; when it has ended, in whatever way, it may begin again."""
    db = Database(stock={"A": 0})

    def nest() -> None:
        with db.transaction(alone=True) as tables:
            tables["stock"]["A"] += 1
            with db.transaction() as others:
                others["stock"]["A"] += 10

    for _ in range(2):
        with pytest.raises(NestedTransactionError, match="use the one that the handler was given"):
            nest()
        assert (db.table("stock")["A"], db.commits) == (0, 0)
    with db.transaction() as tables:
        tables["stock"]["A"] += 1
    assert db.table("stock")["A"] == 1


def test_what_was_handed_out_is_known_until_the_transaction_ends() -> None:
    """So that an inbox or an outbox can refuse the tables of another database, or old ones."""
    db, other = Database(), Database()
    with db.transaction() as tables:
        assert (db.is_open(tables), other.is_open(tables), db.is_open({}), db.is_open(None)) == (True, False) + (
            False,
        ) * 2
    assert not db.is_open(tables)


# --- rows that can be changed


def test_a_row_belongs_to_the_database_alone() -> None:
    """Whatever somebody still holds of it: what was put in, what a transaction handed out, what a table showed."""
    db, mine = Database(), {"lines": ["PROD1"]}
    with db.transaction() as tables:
        tables["orders"] = {"1": mine}
    mine["lines"].append("mine")
    with db.transaction() as tables:
        handed_out = tables["orders"]["1"]
        handed_out["lines"].append("PROD2")
    handed_out["lines"].append("late")
    shown = db.table("orders")["1"]
    shown["lines"].append("shown")
    assert db.table("orders")["1"] == {"lines": ["PROD1", "PROD2"]}


class Box(msgspec.Struct):
    """A row that can be changed."""

    content: list[int]


class Sealed(msgspec.Struct, frozen=True):
    """A row that cannot be changed, unless what is in it can."""

    content: Any


@pytest.mark.parametrize(
    "row", ["a", 1, 1.5, None, True, b"x", (1, ("a", None)), Sealed(1), Sealed((Sealed("x"),)), example_order(), ()]
)
def test_a_row_that_cannot_be_changed_is_not_copied(row: Any) -> None:
    """Neither on its way in nor out: text, numbers, tuples of such, events."""
    db = Database(rows={"1": row})
    with db.transaction() as tables:
        assert tables["rows"]["1"] is row
        tables["rows"]["2"] = row
    assert db.table("rows")["1"] is db.table("rows")["2"] is row


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ([1], lambda row: row.append(2)),
        ({"a": 1}, lambda row: row.update(a=2)),
        (Box([1]), lambda row: row.content.append(2)),
        (Sealed([1]), lambda row: row.content.append(2)),
        (([1],), lambda row: row[0].append(2)),
        (Sealed((Sealed({"a": 1}),)), lambda row: row.content[0].content.update(a=2)),
        ({1}, lambda row: row.add(2)),
    ],
)
def test_a_row_that_can_be_changed_anywhere_is_taken_back(row: Any, change: Callable[[Any], None]) -> None:
    """However deep the place is, and whatever stands around it."""
    db, before = Database(rows={"1": row}), deepcopy(row)

    def work() -> None:
        with db.transaction() as tables:
            change(tables["rows"]["1"])

    assert not survived(work, "before db.commit")
    assert db.table("rows")["1"] == row == before
    work()
    assert db.table("rows")["1"] != before == row


class Counted:
    """A row that counts how often it is copied."""

    copies = 0

    def __deepcopy__(self, memo: object) -> "Counted":
        Counted.copies += 1
        return Counted()


def test_a_transaction_costs_what_it_touches() -> None:
    """A thousand transactions on a thousand rows copy each row that they touch a few times, and no other."""
    db = Database(rows={number: Counted() for number in range(1000)}, others={0: Counted()})
    Counted.copies = 0
    for number in range(1000):
        with db.transaction() as tables:
            assert isinstance(tables["rows"][number], Counted)
            assert len(tables["rows"]) == 1000
    assert 0 < Counted.copies <= 3 * 1000
    Counted.copies = 0
    with db.transaction() as tables:
        tables["numbers"] = {1: 1}
        assert 5 in tables["rows"]
        assert list(tables["rows"])[:2] == [0, 1]
        del tables["rows"][7]
    assert (Counted.copies, len(db.table("rows"))) == (0, 999)


# --- tables in a transaction are like any dictionary

ROWS = st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2)
STEPS = st.tuples(
    st.sampled_from(
        ["set", "set", "del", "pop", "setdefault", "append", "clear", "update", "table", "drop", "new", "look", "fail"]
    ),
    st.sampled_from("ab"),
    st.integers(0, 3),
    ROWS,
)


def play(tables: Any, step: tuple[str, str, int, Any]) -> Any:
    """Do one thing to tables, be they those of a transaction or plain dictionaries; return what came of it."""
    what, name, key, row = step
    row = deepcopy(row)
    try:
        if what == "set":
            tables[name][key] = row
        elif what == "del":
            del tables[name][key]
        elif what == "pop":
            return tables[name].pop(key, None)
        elif what == "setdefault":
            return tables[name].setdefault(key, row)
        elif what == "append":
            tables[name][key].append(9)
        elif what == "clear":
            tables[name].clear()
        elif what == "update":
            tables[name].update({key: row, key + 1: deepcopy(row)})
        elif what == "table":
            tables.setdefault(name, {})[key] = row
        elif what == "drop":
            del tables[name]
        elif what == "new":
            tables[name] = {key: row}
        elif what == "look":
            whole = {each: list(tables[each].items()) for each in tables}
            return whole, len(tables), len(tables[name]), key in tables[name], tables[name].get(key), name in tables
    except (KeyError, AttributeError) as error:
        return type(error)
    return None


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(STEPS, max_size=8), max_size=6))
def test_tables_behave_as_dictionaries_and_transactions_as_copies_of_them(story: list[list[Any]]) -> None:
    """Against a model that copies all tables: each answer, the order of rows, and what is committed."""
    model: dict[str, Any] = {"a": {0: 0, 1: [1]}}
    db = Database(**model)
    views = []
    for steps in story:
        fails = any(what == "fail" for what, *_ in steps)
        copy = deepcopy(model)
        with crashing(*(["before db.commit"] if fails else [])):
            try:
                with db.transaction() as tables:
                    for step in steps:
                        assert play(tables, step) == play(copy, step)
            except Crashed:
                copy = model
        model = copy
        for name in "ab":
            views.append((db.table(name), deepcopy(model.get(name, {}))))
            assert list(db.table(name).items()) == list(model.get(name, {}).items())
    for view, content in views:
        assert list(view.items()) == list(content.items())


def test_a_row_that_is_taken_out_and_put_in_again_comes_last() -> None:
    """As in any dictionary: inside the transaction, and when it is committed."""
    db = Database(rows={"a": 1, "b": 2, "c": 3})
    with db.transaction() as tables:
        rows = tables["rows"]
        del rows["a"]
        rows["d"] = 4
        rows["a"] = 5
        rows["e"] = 6
        del rows["e"]  # one that was never there before leaves no trace
        assert (list(rows.items()), len(rows)) == ([("b", 2), ("c", 3), ("d", 4), ("a", 5)], 4)
    assert list(db.table("rows")) == ["b", "c", "d", "a"]


@pytest.mark.parametrize("rows", [None, 5, "rows", [("A", 1)], {1, 2}])
def test_a_new_table_is_a_mapping_with_a_name(rows: Any) -> None:
    """The error names the table, and nothing is committed."""
    db = Database(stock={"A": 1})

    def put(name: Any) -> None:
        with db.transaction() as tables:
            tables["stock"]["A"] = 2
            tables[name] = rows

    with pytest.raises(OptionError, match=r"^orders=.*give a table as a mapping of keys to rows"):
        put("orders")
    rows = {}
    with db.transaction() as tables, pytest.raises(TypeError):
        tables["stock"][[]] = 1  # a key that nothing can be found by
    assert db.table("stock")["A"] == 1


@pytest.mark.parametrize("name", [5, None, ("a",)])
def test_a_table_has_a_name(name: Any) -> None:
    """As text; it is said at once."""
    with Database().transaction() as tables, pytest.raises(OptionError, match="give the name of a table, as text"):
        tables[name] = db_table(name)


def db_table(name: str) -> Any:
    """Return a table of another database, which is a mapping and no dictionary."""
    return Database(rows={1: [1]}).table("rows")


def test_a_table_may_be_put_in_as_it_was_read() -> None:
    """And rows can be added to it."""
    db = Database()
    with db.transaction() as tables:
        tables["copy"] = db_table("rows")
        tables["copy"][2] = "two"
    assert db.table("copy") == {1: [1], 2: "two"}
    assert repr(db.table("copy")) == "{1: [1], 2: 'two'}"
    assert repr(db) == "<Database with rows in copy: 2; commits: 1>"
    assert repr(Database()) == "<Database with rows in no table; commits: 0>"


# --- crashes, interrupts, threads


def test_each_crash_point_is_on_one_side_of_the_commit() -> None:
    """There are two, and nothing between them."""

    def sell(db: Database) -> Callable[[], None]:
        def work() -> None:
            with db.transaction() as tables:
                tables["stock"]["A"] -= 1
                tables["sold"] = {"1": "A"}

        return work

    assert points_of(sell(Database(stock={"A": 9}))) == 2
    for point, sold in ((0, 0), ("before db.commit", 0), (1, 1), ("after db.commit", 1)):
        db = Database(stock={"A": 9})
        assert not survived(sell(db), point)
        assert (9 - db.table("stock")["A"], len(db.table("sold")), db.commits) == (sold, sold, sold)


class Touchy:
    """A key that interrupts whoever compares it, when it is told to, as Ctrl-C would."""

    armed = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        Touchy.armed -= 1
        if Touchy.armed == 0:
            raise KeyboardInterrupt
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Touchy) and self.name == other.name


def test_an_interrupt_leaves_all_of_a_transaction_or_nothing() -> None:
    """Wherever it comes, also in the middle of writing."""
    place = 0
    while True:
        place += 1
        Touchy.armed = 0
        a, b, c = Touchy("a"), Touchy("b"), Touchy("c")
        db = Database(one={a: 1, b: 1}, two={a: 1, b: 1})
        Touchy.armed = place
        try:
            with db.transaction() as tables:
                del tables["one"][a]
                tables["one"][b] = 2
                tables["two"][c] = 2
                del tables["two"][a]
        except KeyboardInterrupt:
            Touchy.armed = 0
            state = (dict(db.table("one")), dict(db.table("two")), db.commits)
            assert state in [({a: 1, b: 1}, {a: 1, b: 1}, 0), ({b: 2}, {b: 1, c: 2}, 1)]
            continue
        break
    assert place > 10


def test_of_many_threads_each_commit_counts_once() -> None:
    """Who comes second tries again; no change is lost, and whoever reads sees whole transactions only."""
    db = Database(stock={"A": 0, "B": 0})
    torn = []

    def count() -> None:
        for _ in range(100):
            while True:
                try:
                    with db.transaction() as tables:
                        tables["stock"]["A"] += 1
                        tables["stock"]["B"] += 1
                    break
                except TransactionConflictError:
                    continue
            view = db.table("stock")
            if view["A"] != view["B"]:
                torn.append(dict(view))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (dict(db.table("stock")), db.commits, torn) == ({"A": 400, "B": 400}, 400, [])


def test_what_is_down_begins_no_transaction() -> None:
    """What was committed can still be looked at, from the outside."""
    db = Database(stock={"A": 1})
    db.down = True
    with pytest.raises(ConnectionError, match="the database is down"), db.transaction():
        pytest.fail("it is down")
    assert db.table("stock")["A"] == 1


def test_events_are_rows_like_others() -> None:
    """They cannot be changed, so they are kept as they are."""
    order = example_order()
    db = Database(orders={})
    with db.transaction() as tables:
        tables["orders"][order.order_id] = order
    assert isinstance(db.table("orders")["12345"], OrderPlaced)
    assert db.table("orders")["12345"] is order
