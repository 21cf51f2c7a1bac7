"""A component, whatever document named it, and what a document as a whole is."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec


class Component(msgspec.Struct, frozen=True, omit_defaults=True):
    """``ref`` as its document refers to it; ``purl`` as written; ``hashes`` by algorithm; ``scope`` as written;
    ``kind``: what its
    document says that it is (library, application, file, package …)."""

    ref: str
    name: str
    version: str = ""
    purl: str = ""
    kind: str = ""
    supplier: str = ""
    licences: tuple[str, ...] = ()
    scope: str = ""
    hashes: dict[str, str] = {}


class Document(msgspec.Struct, frozen=True):
    """``form`` and ``version`` of the document; ``subject``: what it describes, where it says so; ``depends``: refs
    by ref;
    ``odd``: what was left out, and why."""

    form: str
    version: str
    components: tuple[Component, ...]
    subject: Component | None = None
    depends: dict[str, tuple[str, ...]] = {}
    odd: tuple[str, ...] = ()


class Purl(msgspec.Struct, frozen=True):
    """A package URL, taken apart (package-url specification 1.0)."""

    type: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: dict[str, str] = {}
    subpath: str = ""


def read_purl(text: str) -> Purl | None:
    """None for what is no package URL."""
    scheme, colon, rest = text.partition(":")
    if scheme.lower() != "pkg" or not colon:
        return None
    rest, _, subpath = rest.lstrip("/").partition("#")
    rest, _, query = rest.partition("?")
    kind, slash, path = rest.partition("/")
    if not slash or not kind or not path.strip("/"):
        return None
    at = path.rfind("@")
    version = ""
    if at > path.rfind("/") or (at > 0 and "/" not in path[at:]):
        path, version = path[:at], path[at + 1 :]
    parts = [unquote(p) for p in path.strip("/").split("/") if p]
    if not parts:
        return None
    pairs = (q.partition("=") for q in query.split("&") if q)
    qualifiers = {k.lower(): unquote(v) for k, _, v in pairs if v}
    return Purl(kind.lower(), "/".join(parts[:-1]), parts[-1], unquote(version), qualifiers,
                unquote(subpath.strip("/")))
