"""Settings: typed, frozen, from a file, then the environment, then flags. An unknown key is an error that names it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from fengsui.errors import BadSetting

PREFIX = "FENGSUI_"

Name = Annotated[str, msgspec.Meta(min_length=1)]
Bytes = Annotated[int, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Seat = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{0,100}$")]
Token = Annotated[str, msgspec.Meta(pattern="^(|[!-~]{16,})$")]  # what a header and a cookie can carry


class WatchSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder that is watched, and whose it is; what is not given is as the settings have it."""

    folder: Path
    org: Name | None = None
    network: Name | None = None
    sensor: Name | None = None


class FeedSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registry whose releases are followed. ``url``: its address as its installer knows it, read from the
    configuration of pip or npm if not given; ``changes``: the address of its change stream, derived from ``url`` if not
    given; ``every``: seconds between two looks; ``details``: releases an hour at most of which details are asked for,
    those of names that matter first."""

    ecosystem: Literal["pypi", "npm"]
    url: str = ""
    changes: str = ""
    every: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    details: Annotated[int, msgspec.Meta(ge=0)] = 2000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be set. ``docs/generated/settings.md`` is made from here."""

    data: Path = Path(".fengsui")
    """Folder of everything that is kept: bus, store, registry, blobs."""
    org: Name = "local"
    """Organisation that owns what is read, where a capture or log does not say."""
    network: Name = "default"
    """Address space of what is read: 10.0.0.5 exists in every organisation."""
    sensor: Name = "sensor"
    """Name of the sensor."""
    local_networks: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
                                       "fe80::/10")  # fmt: skip
    """Networks whose hosts are ours: beacons and uploads go from these to elsewhere."""
    rules: Path | None = None
    """Folder of rules; those of the package if not set."""
    indicators: tuple[Path, ...] = ()
    """Lists of indicators to load: domains, addresses, networks."""
    known_bad: tuple[Path, ...] = ()
    """Lists of hashes (SHA-256) of malicious files: whatever was handed in is judged anew when they change."""
    hunt_interval: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    """Seconds that a hunt collects announcements before it runs."""
    bus_bytes: Bytes = 2_000_000_000
    """Bytes that may wait on the embedded bus before collectors must wait."""
    dead_letter_limit: Annotated[int, msgspec.Meta(ge=0)] = 1000
    """Messages of a partition that may become dead letters in an hour; beyond it the consumer stops. 0: any number."""
    decoder_memory: Bytes = 512_000_000
    """Bytes that the packet decoder may use for flows and reassembly."""
    file_limit: Annotated[int, msgspec.Meta(ge=0)] = 8_000_000
    """Bytes of a carved file that are kept; larger ones are described, not kept."""
    watch: tuple[WatchSetting, ...] = ()
    """Folders read as they fill: `[[watch]]` with `folder` and, if other than above, `org`, `network`, `sensor`."""
    feeds: tuple[FeedSetting, ...] = ()
    """Registries of software whose releases are followed: `[[feeds]]` with `ecosystem` (pypi, npm) and, if other than
    pip's or npm's configuration says, `url` and `changes`; `every` (seconds), `details` (an hour)."""
    disk_bytes: Bytes = 50_000_000_000
    """Bytes of the data folder beyond which collectors wait."""
    organisations: Path | None = None
    """Who is watched: a YAML list of `id`, `zh`, `en`, `city`, `sector`, `size`, `protection_level`, `critical`."""
    map: Path | None = None
    """Outlines of the cities (GeoJSON) to show instead of the schematic ones."""
    host: Name = "127.0.0.1"
    """Address that the server listens on."""
    port: Port = 8000
    """Port that the server listens on; 0: one that is free."""
    retention_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Days after they were read that events are kept in the store, 8 at least; 0: for ever."""
    retention_kinds: tuple[str, ...] = ()
    """The same for single kinds, as `dns=90`."""
    metrics_port: Port = 0
    """Port of `/healthz` and `/metrics` of a process that runs one role, on `host`; 0: none. With `token` set, metrics
    ask for it."""
    log_format: Literal["text", "json"] = "text"
    """Lines of the log: for people, or JSON objects: `ts`, `level`, `logger`, `thread`, `message`, `trace`, `error`."""
    traces_url: str = ""
    """OpenTelemetry collector (OTLP over HTTP, `http://host:4318`) that gets a span for each commit; empty: none."""
    kafka_bootstrap: tuple[str, ...] = ()
    """Kafka brokers (`host:port`); empty: the embedded bus."""
    kafka_security: Security = "PLAINTEXT"
    """How brokers are talked to: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."""
    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    """SASL mechanism: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."""
    kafka_user: str = ""
    """User for SASL."""
    kafka_password: str = ""
    """Password for SASL."""
    kafka_ca: Path | None = None
    """Certificates (PEM) that a broker's certificate is checked against; those of the machine if not set."""
    kafka_certificate: Path | None = None
    """Our own certificate (PEM) for mutual TLS, with `kafka_key`."""
    kafka_key: Path | None = None
    """The key of `kafka_certificate` (PEM)."""
    kafka_prefix: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{0,100}$")] = ""
    """What stands before our names of topics, groups and transactions, where others use the same brokers."""
    kafka_partitions: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 8
    """Partitions of topics that are made here; topics that are there keep theirs."""
    kafka_replication: Annotated[int, msgspec.Meta(ge=1, le=7)] = 1
    """Replicas of topics that are made here; with 3, two must have a message before it counts."""
    kafka_pack: bool = False
    """Collectors send to the role `pack`, which makes full messages of many small ones: for very many collectors."""
    clickhouse_url: str = ""
    """`clickhouse://user:password@host:9000,other:9000/database?secure=1`; empty: the engine inside the process."""
    clickhouse_cluster: str = ""
    """Name of the cluster whose every node gets the tables, replicated; empty: one server."""
    registry_url: str = ""
    """`postgresql+psycopg://user:password@host/database`; empty: SQLite in `data`."""
    blobs_url: str = ""
    """`s3://bucket/prefix?endpoint=https://host:port`, with keys from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`;
    empty: a folder in `data`."""
    signing_key: Path | None = None
    """Private key (PEM, ed25519) that reports are signed with; one in `data`, made at first use, if not set."""
    instance: Seat = ""
    """Seat of this process among those of its role: who comes back under the same name goes on at once."""
    token: Token = ""
    """What the console and programs show to be let in, 16 characters or more; made at each start if empty."""


def load(file: Path | None = None, environment: Mapping[str, str] | None = None,
         flags: Mapping[str, Any] | None = None) -> Settings:  # fmt: skip
    """Settings from a TOML file, ``FENGSUI_*`` variables and flags (None means not given), the later over the earlier.

    Raises BadSetting naming the key and where it came from.
    """
    merged: dict[str, Any] = {}
    for origin, values in (
        (str(file), _file(file) if file else {}),
        ("the environment", _environment(environment or {})),
        ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
    ):
        _check(origin, values)
        merged |= values
    return _convert(merged)


def _convert(values: Mapping[str, Any]) -> Settings:
    return msgspec.convert(values, Settings, strict=False, dec_hook=_path)


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, (str, Path)) and str(value):
        return Path(value)
    raise ValueError("expected the path of a file or folder")


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise BadSetting(f"{path}: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise BadSetting(f"{path}: {e}") from e


_OTHERS = frozenset({"FENGSUI_REQUIRE_ENGINES", "FENGSUI_CONFIG", "FENGSUI_LANG"})

_LISTS = ("local_networks", "indicators", "known_bad", "watch", "kafka_bootstrap", "retention_kinds", "feeds")


def _environment(environment: Mapping[str, str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, text in environment.items():
        if name.startswith(PREFIX) and name not in _OTHERS:
            key = name.removeprefix(PREFIX).lower()
            out[key] = [p for p in text.split(",") if p] if key in _LISTS else text
    if "watch" in out:
        out["watch"] = [{"folder": p} for p in out["watch"]]
    if "feeds" in out:
        out["feeds"] = [{"ecosystem": e} for e in out["feeds"]]
    return out


def _check(origin: str, values: Mapping[str, Any]) -> None:
    names = {f.name for f in msgspec.structs.fields(Settings)}
    for key, value in values.items():
        if key not in names:
            raise BadSetting(f"{origin}: unknown setting {key!r}; there are {', '.join(sorted(names))}")
        try:
            _convert({key: value})
        except msgspec.ValidationError as e:
            raise BadSetting(f"{origin}: {key}: {str(e).removesuffix(f' - at `$.{key}`')}") from e
