"""Files that somebody hands in to be analysed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, UploadFile
from starlette.responses import Response

from api import cursor, views
from api.context import Handed
from api.handed import keep
from api.models.analyses import Analysis, AnalysisPage
from api.models.common import Page
from api.problems import ProblemError, not_found
from api.routes.common import SIGNED_IN, Ctx, Id, problems

router = APIRouter(prefix="/analyses", tags=["analyses"], dependencies=SIGNED_IN)
MOST_FILES = 100


@router.post("", status_code=202, operation_id="createAnalysis", response_model=Analysis,
             responses=problems(403, 404, 413))  # fmt: skip
def create(ctx: Ctx, files: list[UploadFile], org: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Hand in captures (pcap, pcapng) or Zeek logs. They are read in an address space of their own."""
    if org and org not in ctx.names.organisations():
        raise not_found(org)
    if len(files) > MOST_FILES:
        most = (f"At most {MOST_FILES} files at once.", f"一次最多 {MOST_FILES} 个文件。")
        raise ProblemError(413, "too-large", most)
    handed: list[Handed] = []
    try:
        for f in files:
            handed.append(keep(ctx.analyses.folder, f, ctx.analyses.room()))
        return views.json(ctx.analyses.submit(handed, org), 202)
    except BaseException:
        for h in handed:
            h.path.unlink(missing_ok=True)
        raise


@router.get("", operation_id="listAnalyses", response_model=AnalysisPage, responses=problems())
def list_analyses(ctx: Ctx, asked: Annotated[Page, Query()]) -> Response:
    """Analyses, the newest first."""
    before: Any = cursor.decode("analyses", asked.cursor, (int, str)) if asked.cursor else None
    found = ctx.analyses.page(before and tuple(before), asked.limit + 1)
    items, after = found[: asked.limit], None
    if len(found) > asked.limit:
        after = cursor.encode("analyses", [items[-1].pop("_created"), items[-1]["id"]])
    for i in items:
        i.pop("_created", None)
    return views.json(views.page(items, after))


@router.get("/{analysis}", operation_id="getAnalysis", response_model=Analysis, responses=problems(404))
def get_analysis(ctx: Ctx, analysis: Id) -> Response:
    """How far an analysis is, and what it found."""
    found = ctx.analyses.get(analysis)
    if found is None:
        raise not_found(analysis)
    return views.json(found)
