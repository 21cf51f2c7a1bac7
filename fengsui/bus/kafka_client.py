"""How brokers are reached, what topics are like there, and which errors mean what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka import errors as e

from fengsui.bus.topics import Topic
from fengsui.config import Settings

MAX_MESSAGE = 32 << 20
"""Bytes that a message may have: a batch is cut at 4 MB, the result of a hunt may be larger."""
FETCH, FETCH_PARTITION = 64 << 20, 8 << 20
"""Bytes fetched at once, in all and from a partition; a message that is larger comes all the same."""
BATCH = 1 << 20
TRANSACTION = 10.0
"""Seconds after which the broker gives up the transaction of a producer that is gone: readers wait for it that long."""
WAIT = 10.0
"""Seconds that a request may take before what it was for is tried again."""
RETENTION_DAYS = 7
"""How long the broker keeps what travels; what is kept for readers still to come it keeps for ever."""

GONE = (e.CommitFailedError, e.UnknownMemberIdError, e.IllegalGenerationError, e.RebalanceInProgressError,
        e.StaleMemberEpochError, e.FencedMemberEpochError)  # fmt: skip
"""The partitions belong to another assignment."""
REPLACED = (e.ProducerFencedError, e.InvalidProducerEpochError, e.FencedInstanceIdError)
"""Somebody else has taken the transactional id, or the seat."""


FRESH: Mapping[str, int] = {"metadata_max_age_ms": 3000, "reconnect_backoff_max_ms": 1000}
"""Of every client. While a broker is away it backs off, and asks for new leaders only when what it knows is old:
with the default of five minutes nothing is read from its partitions for so long, though others lead them after nine
seconds (tried)."""


def keywords(settings: Settings) -> dict[str, Any]:
    """What every client is opened with."""
    s = settings
    out: dict[str, Any] = {"bootstrap_servers": list(s.kafka_bootstrap), "security_protocol": s.kafka_security,
                           "retry_backoff_ms": 5, **FRESH}  # fmt: skip
    if s.kafka_security.endswith("SSL"):
        files = {"ssl_cafile": s.kafka_ca, "ssl_certfile": s.kafka_certificate, "ssl_keyfile": s.kafka_key}
        out |= {key: str(path) for key, path in files.items() if path is not None}
    if s.kafka_security.startswith("SASL"):
        out |= {"sasl_mechanism": s.kafka_mechanism, "sasl_plain_username": s.kafka_user,
                "sasl_plain_password": s.kafka_password}  # fmt: skip
    return out


def configuration(topic: Topic, replication: int) -> dict[str, str]:
    """The broker's settings of a topic that is made here."""
    out = {"max.message.bytes": str(MAX_MESSAGE), "compression.type": "producer",
           "retention.ms": "-1" if topic.keep else str(RETENTION_DAYS * 86_400_000)}  # fmt: skip
    if replication >= 3:
        out["min.insync.replicas"] = "2"
    return out


def marks_configuration(replication: int) -> dict[str, str]:
    """As :func:`configuration`, of the topic of marks: the newest of each key is kept for ever."""
    out = {"cleanup.policy": "compact", "max.message.bytes": str(MAX_MESSAGE), "min.cleanable.dirty.ratio": "0.2"}
    return out | ({"min.insync.replicas": "2"} if replication >= 3 else {})


def producer_keywords(transactional_id: str) -> dict[str, Any]:
    return {"transactional_id": transactional_id, "acks": "all", "enable_idempotence": True, "linger_ms": 0,
            "compression_type": None, "max_request_size": MAX_MESSAGE, "batch_size": BATCH,
            "transaction_timeout_ms": int(TRANSACTION * 1000), "max_block_ms": int(WAIT * 1000),
            "allow_auto_create_topics": False}  # fmt: skip


def reader_keywords() -> dict[str, Any]:
    return {"enable_auto_commit": False, "auto_offset_reset": "none", "fetch_max_bytes": FETCH,
            "max_partition_fetch_bytes": FETCH_PARTITION, "fetch_max_wait_ms": 100,
            "allow_auto_create_topics": False}  # fmt: skip
