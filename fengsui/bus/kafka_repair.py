"""What kafka-python 3.0.12 does wrong, put right here until it does so itself.

Its loop that refreshes metadata awaits a refresh that others have begun, and dies of that one's error; it is never
started again, so that after a broker was away at the wrong moment a client would ask the former leader for ever.
"""

from __future__ import annotations

import logging
from typing import Any

from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaError

log = logging.getLogger("fengsui.kafka")

PAUSE = 0.2
"""Seconds before the loop begins again."""
_once = ClusterMetadata._refresh_loop


async def _for_ever(self: Any) -> None:
    while not self.closed:
        try:
            await _once(self)
        except KafkaError as e:
            log.debug("metadata: %s", e)
            await self._manager._net.sleep(PAUSE)


def repair() -> None:
    """Have the loop begin again when it dies. Again is harmless."""
    ClusterMetadata._refresh_loop = _for_ever
