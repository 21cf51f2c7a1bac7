"""Events of a kind."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from api.models.common import Out, Page


class EventPage(Out):
    items: list[dict[str, Any]]
    next: str | None


class Kind(StrEnum):
    FLOW = "flow"
    DNS = "dns"
    HTTP = "http"
    TLS = "tls"
    FILE = "file"


class EventQuery(Page):
    """Which events; all given must hold. Newest first."""

    from_: Annotated[datetime | None, Field(alias="from", description="At or after")] = None
    to: Annotated[datetime | None, Field(description="Before")] = None
    org: Annotated[str, Field(max_length=200)] = ""
    network: Annotated[str, Field(max_length=200)] = ""
    src_ip: Annotated[str, Field(max_length=50)] = ""
    dst_ip: Annotated[str, Field(max_length=50)] = ""
    host: Annotated[str, Field(max_length=50, description="Address of either side")] = ""
    port: Annotated[int | None, Field(ge=0, le=65535, description="Port of the responder")] = None
    uid: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$", description="Flow that it belongs to")] = ""
    q: Annotated[str, Field(max_length=200, description="Text in the kind's main columns: query, host, sni, …")] = ""
