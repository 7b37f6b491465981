"""Tables and rows as a transaction of `Database` sees them: as they were, and over that what was touched.

What nobody touches is not copied. A row that can be changed is handed out as a copy, so that it can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from copy import deepcopy
from typing import Any

import msgspec

from eda_lab.errors import OptionError

__all__ = ["Change", "Rows", "Tables", "table_of"]

Change = tuple[set[Any], dict[Any, Any]]  # the rows of one table that are gone, and those that were put in or changed
_VALUES = frozenset((str, int, float, bool, bytes, type(None)))


def table_of(name: str, rows: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a table of its own with these rows; raise `OptionError` where they are none."""
    if not isinstance(name, str):
        raise OptionError("table", name, "give the name of a table, as text")
    if not isinstance(rows, Mapping):
        raise OptionError(name, rows, "give a table as a mapping of keys to rows")
    return {key: _own(row) for key, row in rows.items()}


class Rows(Mapping[Any, Any]):
    """A table to be read. A row that could be changed is handed out as a copy."""

    def __init__(self, rows: dict[Any, Any]) -> None:
        self._rows = rows

    def __getitem__(self, key: Any) -> Any:
        return _own(self._rows[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __repr__(self) -> str:
        return repr(self._rows)


class _Table(MutableMapping[Any, Any]):
    """A table inside a transaction: the rows as they were, and over them those that were touched."""

    def __init__(self, before: Mapping[Any, Any]) -> None:
        self._before = before
        self.touched: dict[Any, Any] = {}
        self.gone: set[Any] = set()  # rows of before that were taken out, even if one was put in again since

    def __getitem__(self, key: Any) -> Any:
        if key in self.touched:
            return self.touched[key]
        if key in self.gone:
            raise KeyError(key)
        row = self._before[key]
        own = _own(row)
        if own is not row:
            self.touched[key] = own
        return own

    def __setitem__(self, key: Any, row: Any) -> None:
        self.touched[key] = row

    def __delitem__(self, key: Any) -> None:
        if key not in self:
            raise KeyError(key)
        self.touched.pop(key, None)
        if key in self._before:
            self.gone.add(key)

    def clear(self) -> None:
        """Take all rows out."""
        self.touched.clear()
        self.gone.update(self._before)

    def __contains__(self, key: object) -> bool:
        return key in self.touched or (key in self._before and key not in self.gone)

    def __iter__(self) -> Iterator[Any]:
        for key in self._before:
            if key not in self.gone:
                yield key
        for key in list(self.touched):
            if key not in self._before or key in self.gone:
                yield key

    def __len__(self) -> int:
        new = sum(key not in self._before or key in self.gone for key in self.touched)
        return len(self._before) - len(self.gone) + new

    def __repr__(self) -> str:
        return repr(dict(self))


class Tables(MutableMapping[str, Any]):
    """The tables inside a transaction. What is not touched is not copied."""

    def __init__(self, before: Mapping[str, dict[Any, Any]]) -> None:
        self._before = before
        self._touched: dict[str, Any] = {}
        self.dropped: set[str] = set()  # tables of before that were taken out or replaced as a whole

    def __getitem__(self, name: str) -> Any:
        if name not in self._touched:
            if name in self.dropped:
                raise KeyError(name)
            self._touched[name] = _Table(self._before[name])
        return self._touched[name]

    def __setitem__(self, name: str, rows: Any) -> None:
        self._touched[name] = rows if isinstance(rows, dict) else table_of(name, rows)
        if name in self._before:
            self.dropped.add(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._touched.pop(name, None)
        if name in self._before:
            self.dropped.add(name)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a table, which is made if it is not there."""
        if name not in self:
            self[name] = {} if default is None else default
        return self[name]

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._before if name not in self.dropped)
        yield from (name for name in list(self._touched) if name not in self._before or name in self.dropped)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def changes(self) -> dict[str, Change]:
        """Return what was changed, by the name of the table."""
        changed: dict[str, Change] = {}
        for name, rows in self._touched.items():
            if not isinstance(rows, _Table):
                changed[name] = (set(), table_of(name, rows))
            elif rows.touched or rows.gone:
                changed[name] = (rows.gone, {key: _own(row) for key, row in rows.touched.items()})
        return changed


def _own(row: Any) -> Any:
    """Return a row that nobody else can change: a copy, unless it cannot be changed at all."""
    return row if _is_value(row) else deepcopy(row)


def _is_value(row: Any) -> bool:
    kind = type(row)
    if kind in _VALUES:
        return True
    if kind is tuple:
        return all(map(_is_value, row))
    if isinstance(row, msgspec.Struct) and row.__struct_config__.frozen:
        return all(_is_value(getattr(row, field)) for field in row.__struct_fields__)
    return False
