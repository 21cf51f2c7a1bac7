"""The engines that the settings name, opened as they are asked for: embedded, or Kafka, ClickHouse, PostgreSQL, S3."""

from __future__ import annotations

import logging
from functools import cached_property

from sqlalchemy import Engine

from fengsui.blobs import Blobs, FolderBlobs
from fengsui.bus.protocol import Bus
from fengsui.bus.topics import topics
from fengsui.config import Settings
from fengsui.registry.database import open_registry
from fengsui.store import retention
from fengsui.store.protocol import Store

log = logging.getLogger("fengsui.engines")


class Engines:
    """Closed in the reverse order. An engine that was never asked for is never opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def seat(self) -> str:
        """The instance of this process in its groups; on the embedded bus there is one process, and its seat is 0."""
        return self.settings.instance or ("" if self.settings.kafka_bootstrap else "0")

    @cached_property
    def bus(self) -> Bus:
        s = self.settings
        if s.kafka_bootstrap:
            from fengsui.bus.kafka import connect

            return connect(s)
        from fengsui.bus.sqlite import SqliteBus

        return SqliteBus(s.data / "bus.db", topics(), max_bytes=s.bus_bytes)

    @cached_property
    def store(self) -> Store:
        s = self.settings
        store: Store
        if s.clickhouse_url:
            from fengsui.store.clickhouse import ClickHouseStore

            store = ClickHouseStore(s)
        else:
            from fengsui.store.chdb import ChdbStore

            store = ChdbStore(s.data / "store")
        store.migrate()
        changed = store.retain(retention.days(s.retention_days, s.retention_kinds))
        if changed:
            log.info("events are kept for another time than before: %s", ", ".join(changed))
        return store

    @cached_property
    def registry(self) -> Engine:
        return open_registry(self.settings.registry_url or f"sqlite:///{self.settings.data / 'registry.db'}")

    @cached_property
    def blobs(self) -> Blobs:
        if self.settings.blobs_url:
            from fengsui.blobs_s3 import S3Blobs

            return S3Blobs(self.settings.blobs_url)
        return FolderBlobs(self.settings.data / "blobs")

    def close(self) -> None:
        opened = self.__dict__
        if "bus" in opened:
            self.bus.close()
        if "registry" in opened:
            self.registry.dispose()
        if "store" in opened:
            self.store.close()
