"""Dead letters: list, look at, send again, drop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import Response

from api import cursor, views
from api.context import Context
from api.models.letters import LetterDetail, LetterPage, LetterQuery
from api.routes.common import SIGNED_IN, Ctx, Id, problems
from situation import letters

router = APIRouter(prefix="/dead-letters", tags=["platform"], dependencies=SIGNED_IN)
TEXT = 4096
"""Bytes of a letter that are shown as text."""
_ACTS = problems(403, 404, 409)


@router.get("", operation_id="listDeadLetters", response_model=LetterPage, responses=problems())
def list_letters(ctx: Ctx, asked: Annotated[LetterQuery, Query()]) -> Response:
    """Input that could not be read and is kept, the newest first."""
    query = ["letters", asked.state, asked.org, asked.topic]
    after: Any = tuple(cursor.decode(query, asked.cursor, (int, str))) if asked.cursor else None
    with ctx.reader.connect() as db:
        rows, rest = letters.page(db, states=[s.value for s in asked.state], org=asked.org, topic=asked.topic,
                                  limit=asked.limit, after=after)  # fmt: skip
        counts = letters.counts(db)
    found = views.page([_letter(r) for r in rows], rest and cursor.encode(query, [*rest]))
    return views.json(found | {"counts": counts})


@router.get("/{letter}", operation_id="getDeadLetter", response_model=LetterDetail, responses=problems(404))
def get_letter(ctx: Ctx, letter: Id) -> Response:
    """A letter with its headers and the beginning of its bytes."""
    with ctx.reader.connect() as db:
        return views.json(_detail(ctx, letters.find(db, letter)))


@router.get("/{letter}/raw", operation_id="getDeadLetterBytes",
            responses=problems(404) | {200: {"content": {"application/octet-stream": {}}}},
            response_class=Response)  # fmt: skip
def get_bytes(ctx: Ctx, letter: Id) -> Response:
    """The bytes of a letter, all of them, to be saved and never shown."""
    with ctx.reader.connect() as db:
        raw = letters.content(letters.find(db, letter), ctx.blobs)
    headers = {"content-disposition": f'attachment; filename="{letter}.bin"', "x-content-type-options": "nosniff"}
    return Response(raw, media_type="application/octet-stream", headers=headers)


@router.post("/{letter}/replay", operation_id="replayDeadLetter", response_model=LetterDetail, responses=_ACTS)
def replay(ctx: Ctx, letter: Id) -> Response:
    """Have a message sent again to its topic: once, whatever happens meanwhile."""
    return _act(ctx, letter, lambda db: letters.replay(db, letter, ctx.actor, ctx.now()))


@router.post("/{letter}/drop", operation_id="dropDeadLetter", response_model=LetterDetail, responses=_ACTS)
def drop(ctx: Ctx, letter: Id) -> Response:
    """Say that nothing is to be done about it. It stays, with who said so."""
    return _act(ctx, letter, lambda db: letters.drop(db, letter, ctx.actor, ctx.now()))


def _act(ctx: Context, key: str, act: Callable[[Connection], None]) -> Response:
    with ctx.registry.begin() as db:
        act(db)
        row = letters.find(db, key)
    return views.json(_detail(ctx, row))


def _letter(row: Any) -> dict[str, Any]:
    shown = dict(letters.shown(row))
    return shown | {"at": views.moment(row.at), "decided_at": views.moment(row.decided_at)}


def _detail(ctx: Context, row: Any) -> dict[str, Any]:
    raw = letters.content(row, ctx.blobs)
    return _letter(row) | {"headers": msgspec.json.decode(row.headers), "whole": len(raw) <= TEXT,
                           "text": raw[:TEXT].decode("utf-8", "replace")}  # fmt: skip
