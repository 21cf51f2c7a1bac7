"""Warnings (预警): drafted by the machine, issued by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.responses import Response

from api import cursor, views
from api.alert_query import LINE
from api.context import Context
from api.models.warnings import Adjust, Edit, Issue, Lift, TextIn, WarningDetail, WarningPage, WarningQuery
from api.routes.common import SIGNED_IN, Ctx, Id, problems
from fengsui.registry import models as m
from situation import warning_book
from situation.tables import Text, text

router = APIRouter(prefix="/warnings", tags=["warnings"], dependencies=SIGNED_IN)
_ACTS = problems(403, 404, 409, 413)


@router.get("", operation_id="listWarnings", response_model=WarningPage, responses=problems())
def list_warnings(ctx: Ctx, asked: Annotated[WarningQuery, Query()]) -> Response:
    """Warnings, the newest first."""
    query = ["warnings", asked.state, asked.level]
    after: Any = tuple(cursor.decode(query, asked.cursor, (int, str))) if asked.cursor else None
    with ctx.reader.connect() as db:
        items, rest = warning_book.page(db, states=[s.value for s in asked.state], limit=asked.limit, after=after,
                                        levels=[x.value for x in asked.level])  # fmt: skip
    return views.json(views.page(items, rest and cursor.encode(query, [*rest])))


@router.get("/{warning}", operation_id="getWarning", response_model=WarningDetail, responses=problems(404))
def get_warning(ctx: Ctx, warning: Id) -> Response:
    """A warning with its notice, the place in the matrix that gave its colour, its alerts and its record."""
    with ctx.reader.connect() as db:
        return views.json(_detail(ctx, db, warning))


@router.patch("/{warning}", operation_id="editWarning", response_model=WarningDetail, responses=_ACTS)
def edit(ctx: Ctx, warning: Id, wanted: Edit) -> Response:
    """Put one's own words into a draft; empty ones give the machine's back."""
    return _act(ctx, warning, lambda db: warning_book.edit(
        db, warning, ctx.actor, ctx.now(), parts=_parts(wanted), changed=wanted.changed))  # fmt: skip


@router.post("/{warning}/issue", operation_id="issueWarning", response_model=WarningDetail, responses=_ACTS)
def issue(ctx: Ctx, warning: Id, wanted: Issue) -> Response:
    """Issue a draft, as it is or with one's own words. The notice is kept as it was issued."""
    return _act(ctx, warning, lambda db: warning_book.issue(
        db, ctx.standards, warning, ctx.actor, ctx.now(), issuer=_issuer(ctx, wanted.issuer), parts=_parts(wanted),
        changed=wanted.changed))  # fmt: skip


@router.post("/{warning}/adjust", operation_id="adjustWarning", response_model=WarningDetail, responses=_ACTS)
def adjust(ctx: Ctx, warning: Id, wanted: Adjust) -> Response:
    """Change the level of a warning that is out, with the reason."""
    return _act(ctx, warning, lambda db: warning_book.adjust(
        db, ctx.standards, warning, ctx.actor, ctx.now(), issuer=_issuer(ctx, wanted.issuer), parts=_parts(wanted),
        level=wanted.level.value, reason=wanted.reason, changed=wanted.changed))  # fmt: skip


@router.post("/{warning}/lift", operation_id="liftWarning", response_model=WarningDetail, responses=_ACTS)
def lift(ctx: Ctx, warning: Id, wanted: Lift) -> Response:
    """End a warning that is out."""
    return _act(ctx, warning, lambda db: warning_book.lift(
        db, ctx.standards, warning, ctx.actor, ctx.now(), issuer=_issuer(ctx, None), reason=wanted.reason,
        changed=wanted.changed))  # fmt: skip


@router.post("/{warning}/dismiss", operation_id="dismissWarning", response_model=WarningDetail, responses=_ACTS)
def dismiss(ctx: Ctx, warning: Id, wanted: Lift) -> Response:
    """Say of a draft that no warning is needed."""
    return _act(ctx, warning, lambda db: warning_book.dismiss(
        db, warning, ctx.actor, ctx.now(), reason=wanted.reason, changed=wanted.changed))  # fmt: skip


def _act(ctx: Context, key: str, act: Callable[[Connection], object]) -> Response:
    with ctx.registry.begin() as db:
        act(db)
        found = _detail(ctx, db, key)
    return views.json(found)


def _detail(ctx: Context, db: Connection, key: str) -> dict[str, Any]:
    """The detail, its basis as alerts: those that are no more are left out."""
    found = warning_book.detail(db, key)
    rows = {r.id: r for r in db.execute(select(*LINE).where(m.alert.c.id.in_(found["basis"])))}
    basis = [views.alert(rows[i], ctx.rules, ctx.names) for i in found["basis"] if i in rows]
    for lang, notice in found["notice"].items():
        notice["issuer"] = notice["issuer"] or ctx.issuer[lang]  # of a draft: who would issue it
    return found | {"basis": basis}


def _parts(wanted: Edit) -> dict[str, Text]:
    given = {"matters": wanted.matters, "measures": wanted.measures, "scope": wanted.scope}
    return {k: _text(v) for k, v in given.items() if v is not None}


def _text(value: TextIn) -> Text:
    return text(value.en, value.zh)


def _issuer(ctx: Context, given: TextIn | None) -> Text:
    return _text(given) if given else text(ctx.issuer["en"], ctx.issuer["zh"])
