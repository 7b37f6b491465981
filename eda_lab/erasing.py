"""Erasing a person from a log that never changes: personal data goes in sealed, under a key of that person's own.

The keys stand elsewhere. Without its key, sealed data cannot be read again in any copy of the log ("crypto-shredding").
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from random import Random

import msgspec

from eda_lab.database import Database
from eda_lab.errors import EdaLabError, OptionError, shown
from eda_lab.handlers import checked_name

__all__ = ["ErasedError", "KeyRing", "Sealed", "TamperedError"]

_IV = 16  # bytes
_GONE = ""  # what stands in the place of a key that was thrown away


class ErasedError(EdaLabError):
    """The key of this person was thrown away.

    Attribute: `person`.
    """

    def __init__(self, person: str) -> None:
        super().__init__(f"the key of {shown(person)} was thrown away: give a new customer a new name")
        self.person = person


class TamperedError(EdaLabError):
    """What is to be opened is not what was sealed for this person under this label, or the key is another one.

    Attributes: `person`, `label`.
    """

    def __init__(self, person: str, label: str) -> None:
        super().__init__(f"this is not what was sealed for {shown(person)} as {shown(label)}, or not with this key")
        self.person, self.label = person, label


class Sealed(msgspec.Struct, frozen=True):
    """A text that only the key of a person opens. `label` says where it belongs; `box` is hexadecimal."""

    person: str
    label: str
    box: str

    def __str__(self) -> str:
        return f"{self.box[:16]}..."


class KeyRing:
    """A key for each person, in a database of its own (table "keys"): keep it, and its copies, apart from the log.

    For teaching, not for production: there, use a reviewed library (Fernet of `cryptography`) and a key service. The
    plan is that of SIV (RFC 5297) with HMAC-SHA256 in place of AES. The first 16 bytes of a box come from the key, the
    label and the text: they begin the key stream, and whoever opens the box computes them again. So a changed box is
    found, and the same text under two labels gives two boxes.

    Keys are drawn by the system. With a `seed` they are the same in each run, as a lesson needs: whoever knows the seed
    can make them again, so such a key is never really gone.

    >>> keys = KeyRing(seed=1)
    >>> sealed = keys.seal("USER001", "Ada, 1 Mill Lane", label="order-12345")
    >>> keys.open(sealed)
    'Ada, 1 Mill Lane'
    >>> keys.forget("USER001")
    >>> keys.open(sealed, erased="(erased)")
    '(erased)'
    """

    def __init__(self, db: Database | None = None, *, seed: object = None) -> None:
        if db is not None and not isinstance(db, Database):
            raise OptionError("db", db, "give a Database, apart from the log, or none for one in memory")
        self.db = Database() if db is None else db
        with self.db.transaction() as tables:
            tables.setdefault("keys", {})
        self._seed = seed

    def seal(self, person: str, text: str, *, label: str) -> Sealed:
        """Seal a text under the key of a person, who gets one at the first time. `label` is the id of the event, say.

        Raises `ErasedError` for a person who was forgotten.
        """
        checked_name("person", person)
        checked_name("label", label)
        try:
            plain = text.encode()
        except (AttributeError, UnicodeEncodeError):
            raise OptionError("text", text, "give text") from None
        key = self._key(person) or self._new_key(person)
        begin = _begin(key, person, label, plain)
        return Sealed(person, label, (begin + _mixed(key, begin, plain)).hex())

    def open(self, sealed: Sealed, *, erased: str | None = None) -> str:
        """Return the text of what was sealed.

        Where the key was thrown away it is `erased`, or, where that is not given, an `ErasedError`. Raises
        `TamperedError` for what this key did not seal for this person under this label.
        """
        if not isinstance(sealed, Sealed):
            raise OptionError("sealed", sealed, "give what seal returned")
        key = self._key(sealed.person)
        if key == b"":
            if erased is None:
                raise ErasedError(sealed.person)
            return erased
        try:
            box = bytes.fromhex(sealed.box)
        except ValueError:
            raise TamperedError(sealed.person, sealed.label) from None
        plain = _mixed(key, box[:_IV], box[_IV:]) if key is not None else b""
        if key is None or not hmac.compare_digest(_begin(key, sealed.person, sealed.label, plain), box[:_IV]):
            raise TamperedError(sealed.person, sealed.label)
        return plain.decode()

    def forget(self, person: str) -> None:
        """Throw the key of a person away, for ever: nobody can open what was sealed under it."""
        checked_name("person", person)
        with self.db.transaction() as tables:
            tables["keys"][person] = _GONE

    def knows(self, person: str) -> bool:
        """Whether there is a key of this person."""
        return bool(self._key(person))

    def _key(self, person: str) -> bytes | None:
        """Return a key, nothing where it was thrown away, None where there never was one."""
        kept = self.db.table("keys").get(person)
        if kept == _GONE:
            return b""
        return None if kept is None else bytes.fromhex(kept)

    def _new_key(self, person: str) -> bytes:
        drawn = secrets.token_bytes(32) if self._seed is None else _drawn(f"{self._seed}/key/{person}")
        with self.db.transaction() as tables:
            kept: str = tables["keys"].setdefault(person, drawn.hex())  # another thread may have been quicker
        if kept == _GONE:
            raise ErasedError(person)
        return bytes.fromhex(kept)


def _drawn(seed: str) -> bytes:
    rng = Random(seed)
    return bytes(int(rng.random() * 256) for _ in range(32))


def _part(key: bytes, use: str) -> bytes:
    """Return one of the two keys that a person's key stands for."""
    return hmac.digest(key, use.encode(), sha256)


def _begin(key: bytes, person: str, label: str, plain: bytes) -> bytes:
    """Return the bytes that a box begins with: they depend on all that is sealed, and on whom and what it is for."""
    said = b"".join(len(part).to_bytes(8) + part for part in (person.encode(), label.encode(), plain))
    return hmac.digest(_part(key, "begin"), said, sha256)[:_IV]


def _mixed(key: bytes, begin: bytes, text: bytes) -> bytes:
    """Return a text with the key stream laid over it; done twice, it is the text again."""
    own = _part(key, "stream")
    blocks = (hmac.digest(own, begin + number.to_bytes(8), sha256) for number in range(-(-len(text) // 32)))
    return bytes(a ^ b for a, b in zip(text, b"".join(blocks), strict=False))
