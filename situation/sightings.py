"""Which alerts concern which public subject: what organisations have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

from situation.warnings import Basis

_NAMED = ("domain", "file", "pkg")
_REMEMBERED = 50_000  # subjects: to read an address costs more than the rest


class Sightings:
    """Subjects of the alerts of late. ``private``: networks whose addresses mean another host in each organisation."""

    def __init__(self, private: Sequence[str]) -> None:
        self._private = [ip_network(n) for n in private]
        self._of: dict[str, dict[str, Basis]] = {}
        self._subjects: dict[str, tuple[str, ...]] = {}
        self.public = lru_cache(_REMEMBERED)(self._public)

    def see(self, alert: Basis, subjects: Iterable[str]) -> tuple[str, ...]:
        """Remember an alert, or what has become of it; its public subjects."""
        self.lose(alert.id)
        public = tuple(dict.fromkeys(s for s in subjects if self.public(s)))
        if public:
            self._subjects[alert.id] = public
        for s in public:
            self._of.setdefault(s, {})[alert.id] = alert
        return public

    def lose(self, id: str) -> tuple[str, ...]:
        """Forget an alert; the subjects that it had."""
        subjects = self._subjects.pop(id, ())
        for s in subjects:
            del self._of[s][id]
            if not self._of[s]:
                del self._of[s]
        return subjects

    def forget(self, before: int) -> None:
        """Forget what was last seen before (microseconds)."""
        for alert in {id: a for of in self._of.values() for id, a in of.items() if a.last_seen < before}:
            self.lose(alert)

    def of(self, subject: str, within: int) -> list[Basis]:
        """The alerts of a subject that were last seen within so long (microseconds) of the newest, by their ids."""
        found = self._of.get(subject, {})
        newest = max((a.last_seen for a in found.values()), default=0)
        return [found[id] for id in sorted(found) if found[id].last_seen >= newest - within]

    def _public(self, subject: str) -> bool:
        """Whether a subject means the same to everybody: a name, a file, a package, a host with a public address."""
        kind, _, rest = subject.partition(":")
        if kind != "host":
            return kind in _NAMED and bool(rest)
        try:
            address = ip_address(rest)
        except ValueError:
            return False
        return not any(address in n for n in self._private if n.version == address.version)
