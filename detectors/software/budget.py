"""How much may be unpacked: limits counted on what really comes out, never on what a header declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from detectors.software.facts import Limit, visible

MB = 1 << 20


@dataclass(frozen=True)
class Profile:
    """``out`` bytes from all decompressors together, ``members`` met, nested at most ``depth`` deep, ``path`` bytes a
    name, ``metadata`` bytes of headers and directories; a stream that has given ``ratio_from`` bytes may not have
    given more than ``ratio`` for each byte it took; ``seconds`` for everything; ``held`` bytes of one member in
    memory, larger ones in the spool of ``spool`` bytes; ``listed`` files named in the facts."""

    name: str
    out: int = 1024 * MB
    members: int = 100_000
    depth: int = 8
    path: int = 4096
    metadata: int = 16 * MB
    ratio: int = 250
    ratio_from: int = 32 * MB
    seconds: float = 60.0
    held: int = 64 * MB
    spool: int = 1536 * MB
    listed: int = 2_000


PROFILES = {
    p.name: p
    for p in (
        Profile("package"),
        Profile("archive", members=50_000),
        Profile("image", out=20 * 1024 * MB, members=2_000_000, seconds=1800.0, spool=24 * 1024 * MB),
    )
}


def scaled(profile: Profile, *, seconds: float | None = None, out: int | None = None) -> Profile:
    """A profile with other limits where given."""
    return replace(profile, seconds=seconds or profile.seconds, out=out or profile.out)


class Spent(Exception):
    """A limit was hit while a member was unpacked; what had come out of it is looked at. ``whole``: nothing more of the
    submission may be unpacked."""

    def __init__(self, name: str, detail: str, *, whole: bool = False) -> None:
        super().__init__(name, detail)
        self.name, self.detail, self.whole = name, detail, whole


@dataclass
class Budget:
    """What is left. ``clock`` gives monotonic seconds."""

    profile: Profile
    clock: Callable[[], float]
    out: int = 0
    members: int = 0
    metadata: int = 0
    limits: list[Limit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def seconds(self) -> float:
        return self.clock() - self._began

    @property
    def left(self) -> float:
        """Seconds."""
        return self.profile.seconds - self.seconds

    def hit(self, name: str, path: str, detail: str = "") -> None:
        """Note a limit, once for each name and path."""
        limit = Limit(name, visible(path, 500), visible(detail))
        if limit not in self.limits:
            self.limits.append(limit)

    def tick(self) -> None:
        """Raises Spent if time is over."""
        if self.left <= 0:
            raise Spent("time", f"{self.profile.seconds:g} s", whole=True)

    def member(self) -> None:
        """One more is met. Raises Spent."""
        self.members += 1
        if self.members > self.profile.members:
            raise Spent("members", f"{self.profile.members:,}", whole=True)
        if not self.members & 255:
            self.tick()

    def describe(self, size: int) -> None:
        """So many bytes of metadata were read. Raises Spent."""
        self.metadata += size
        if self.metadata > self.profile.metadata:
            raise Spent("metadata", f"{self.profile.metadata:,} bytes", whole=True)

    def give(self, size: int, given: int, taken: int) -> None:
        """``size`` more bytes came out of a stream that has now given ``given`` for ``taken``. Raises Spent."""
        self.out += size
        if self.out > self.profile.out:
            raise Spent("bytes", f"{self.profile.out:,} bytes", whole=True)
        if given >= self.profile.ratio_from and given > self.profile.ratio * max(taken, 1):
            raise Spent("ratio", f"{self.profile.ratio}:1")
        self.tick()
