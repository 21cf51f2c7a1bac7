"""Software that enterprises hand in: upload, verdict, appeal, exception, deletion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Form, Query, UploadFile
from sqlalchemy import Connection
from starlette.responses import Response

from api import cursor, software, views
from api.context import Context, Handed
from api.handed import keep
from api.models.submissions import (
    Answer,
    AppealList,
    AppealState,
    ExceptionList,
    Exempt,
    Lane,
    NewAppeal,
    NewException,
    NewUpload,
    Profile,
    ReportKey,
    Rescan,
    SimilarList,
    Submission,
    SubmissionDetail,
    SubmissionPage,
    SubmissionQuery,
    SubmissionsMade,
    SubmitUpload,
    Upload,
)
from api.models.submissions import Appeal as AppealOut
from api.names import UPLOADS
from api.problems import ProblemError
from api.routes.common import SIGNED_IN, Ctx, Id, problems
from api.uploads import Uploads
from situation import appeals, submissions
from situation.submissions import DELETED, LANES, New

router = APIRouter(tags=["software"], dependencies=SIGNED_IN)
MOST_FILES = 20
_ACTS = problems(403, 404, 409)
REPORTS = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "zip": "application/zip",
           "sarif": "application/sarif+json", "cyclonedx": "application/vnd.cyclonedx+json"}  # fmt: skip
ENDINGS = {"html": "html", "pdf": "pdf", "zip": "zip", "sarif": "sarif", "cyclonedx": "cdx.json"}
ReportForm = Literal["html", "pdf", "zip", "sarif", "cyclonedx"]


@router.post("/submissions", status_code=202, operation_id="createSubmissions", response_model=SubmissionsMade,
             responses=problems(403, 404, 413))  # fmt: skip
def create(ctx: Ctx, files: list[UploadFile], org: Annotated[str, Form(max_length=200)] = "",
           profile: Annotated[Profile, Form()] = "package", lane: Annotated[Lane, Form()] = "interactive",
           password: Annotated[list[str] | None, Form(max_length=20)] = None) -> Response:  # fmt: skip
    """Hand in packages, archives or images; each is a submission of its own. Nothing of them is ever run."""
    org = _organisation(ctx, org)
    if len(files) > MOST_FILES:
        most = (f"At most {MOST_FILES} files at once.", f"一次最多 {MOST_FILES} 个文件。")
        raise ProblemError(413, "too-large", most)
    handed: list[Handed] = []
    try:
        handed += [keep(ctx.handed, f, ctx.analyses.room()) for f in files]
        made = [_submit(ctx, h, org, profile, lane, tuple(password or ())) for h in handed]
    finally:
        for h in handed:
            h.path.unlink(missing_ok=True)
    return views.json({"items": made}, 202)


def _organisation(ctx: Context, org: str) -> str:
    """Whose it is; what nobody is named for is of no organisation, as with captures."""
    if org and org not in ctx.names.organisations():
        raise ProblemError(404, "not-found", (f"There is no organisation {org}.", f"没有编号为 {org} 的单位。"))
    return org or UPLOADS


def _submit(ctx: Context, h: Handed, org: str, profile: str, lane: str, passwords: Sequence[str]) -> dict[str, Any]:
    """Content first, then the row that names it."""
    with h.path.open("rb") as f:
        sha256 = hashlib.file_digest(f, "sha256").hexdigest()
    ctx.blobs.within(org).put_file(sha256, h.path)
    new = New(org, h.name, h.size, sha256, profile, tuple(passwords), LANES[lane])
    with ctx.registry.begin() as db:
        key = submissions.submit(db, new, ctx.actor, ctx.now())
        return software.line(submissions.find(db, key))


@router.get("/submissions", operation_id="listSubmissions", response_model=SubmissionPage, responses=problems())
def list_submissions(ctx: Ctx, asked: Annotated[SubmissionQuery, Query()]) -> Response:
    """Submissions, the newest first."""
    query = ["submissions", asked.org, asked.state, asked.verdict, asked.sha256]
    after: Any = tuple(cursor.decode(query, asked.cursor, (int, str))) if asked.cursor else None
    with ctx.reader.connect() as db:
        rows, rest = submissions.page(db, org=asked.org, states=[s.value for s in asked.state], sha256=asked.sha256,
                                      verdicts=asked.verdict, limit=asked.limit, after=after)  # fmt: skip
    return views.json(views.page([software.line(r) for r in rows], rest and cursor.encode(query, [*rest])))


@router.get("/submissions/{submission}", operation_id="getSubmission", response_model=SubmissionDetail,
            responses=problems(404, 410))  # fmt: skip
def get_submission(ctx: Ctx, submission: Id) -> Response:
    """A submission with the verdict as it is computed now, its reasons and what was not looked at."""
    with ctx.reader.connect() as db:
        return views.json(software.detail(ctx, db, _present(db, submission)))


def _present(db: Connection, key: str) -> Any:
    row = submissions.find(db, key)
    if row.state == DELETED:
        when = (views.moment(row.changed_at) or "")[:19].replace("T", " ")
        raise ProblemError(410, "gone", (f"Deleted by {row.changed_by} at {when} UTC. SHA-256 {row.sha256}.",
                                         f"{row.changed_by} 于 {when}（UTC）删除。SHA-256 {row.sha256}。"))  # fmt: skip
    return row


@router.get("/submissions/{submission}/report", operation_id="getReport", response_class=Response,
            responses=problems(404, 409,
                               410) | {200: {"content": {m: {} for m in sorted(set(REPORTS.values()))}}})  # fmt: skip
def get_report(ctx: Ctx, submission: Id, form: ReportForm = "zip", lang: Literal["zh", "en"] = "zh") -> Response:
    """The report on a submission as it is judged now. ``zip`` holds every form, signed."""
    with ctx.reader.connect() as db:
        row = _present(db, submission)
        content = software.report(ctx, db, row, form, lang)
    kind = "inline" if form in ("html", "pdf") else "attachment"
    name = f"{row.sha256[:12]}.{lang}.{ENDINGS[form]}"
    return Response(content, media_type=REPORTS[form],
                    headers={"content-disposition": f'{kind}; filename="{name}"', "x-content-type-options": "nosniff"})


@router.get("/report-key", operation_id="getReportKey", response_model=ReportKey, responses=problems())
def report_key(ctx: Ctx) -> Response:
    """The public key that reports are signed with: to be kept by whoever checks them."""
    return views.json({"algorithm": "ed25519", "key": software.signer(ctx).public})


@router.get("/submissions/{submission}/similar", operation_id="listSimilar", response_model=SimilarList,
            responses=problems(404, 410))  # fmt: skip
def similar(ctx: Ctx, submission: Id) -> Response:
    """Submissions of the same organisation whose code resembles it, the most alike first."""
    with ctx.reader.connect() as db:
        row = _present(db, submission)
        return views.json({"items": software.similar(ctx, db, row)})


@router.delete("/submissions/{submission}", operation_id="deleteSubmission", status_code=204, response_class=Response,
               responses=_ACTS | problems(410))  # fmt: skip
def delete(ctx: Ctx, submission: Id) -> Response:
    """Delete content, facts and verdict. Its hash, the time and who did it stay."""
    with ctx.registry.begin() as db:
        _present(db, submission)
        org, blobs = submissions.remove(db, submission, ctx.actor, ctx.now())
    for sha256 in blobs:
        ctx.blobs.within(org).delete(sha256)
    return Response(status_code=204)


@router.post("/submissions/{submission}/rescan", operation_id="rescanSubmission", response_model=SubmissionDetail,
             responses=_ACTS | problems(410))  # fmt: skip
def rescan(ctx: Ctx, submission: Id, wanted: Rescan) -> Response:
    """Scan it again: with today's rules, or with a password."""
    return _act(ctx, submission, lambda db: submissions.rescan(
        db, submission, LANES[wanted.lane], wanted.passwords, ctx.actor, ctx.now()))  # fmt: skip


@router.post("/submissions/{submission}/appeals", operation_id="createAppeal", response_model=SubmissionDetail,
             responses=_ACTS | problems(410))  # fmt: skip
def appeal(ctx: Ctx, submission: Id, wanted: NewAppeal) -> Response:
    """Disagree with the verdict. Somebody answers by the deadline."""
    return _act(ctx, submission, lambda db: appeals.make(db, submission, wanted.reason, ctx.actor, ctx.now()))


def _act(ctx: Context, key: str, act: Callable[[Connection], object]) -> Response:
    with ctx.registry.begin() as db:
        _present(db, key)
        act(db)
        return views.json(software.detail(ctx, db, submissions.find(db, key)))


@router.get("/appeals", operation_id="listAppeals", response_model=AppealList, responses=problems())
def list_appeals(ctx: Ctx, state: AppealState | None = None,
                 org: Annotated[str, Query(max_length=200)] = "") -> Response:  # fmt: skip
    """Appeals, the next to be due first."""
    with ctx.reader.connect() as db:
        rows = appeals.listed(db, state.value if state else "", org)
    return views.json({"items": [software.appeal(r) for r in rows]})


@router.post("/appeals/{appeal}/answer", operation_id="answerAppeal", response_model=AppealOut, responses=_ACTS)
def answer(ctx: Ctx, appeal: Id, wanted: Answer) -> Response:
    """Uphold an appeal, which accepts the content, or reject it."""
    with ctx.registry.begin() as db:
        appeals.answer(db, appeal, wanted.state, wanted.answer, ctx.actor, ctx.now())
        return views.json(software.appeal(appeals.find(db, appeal)))


@router.get("/exceptions", operation_id="listExceptions", response_model=ExceptionList, responses=problems())
def list_exceptions(ctx: Ctx, org: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Exceptions that hold, the next to end first."""
    with ctx.reader.connect() as db:
        return views.json({"items": [software.exempt(r) for r in submissions.exceptions(db, org, ctx.now())]})


@router.post("/exceptions", status_code=201, operation_id="createException", response_model=Exempt,
             responses=problems(403, 404, 409))  # fmt: skip
def create_exception(ctx: Ctx, wanted: NewException) -> Response:
    """Accept content, by its hash, for some days. What was found in it is still shown."""
    org = _organisation(ctx, wanted.org)
    with ctx.registry.begin() as db:
        expires = ctx.now() + wanted.days * appeals.DAY_US
        submissions.except_it(db, org, wanted.sha256, wanted.reason, ctx.actor, expires, ctx.now())
        row = submissions.excepted(db, org, wanted.sha256, ctx.now())
    return views.json(software.exempt(row), 201)


@router.delete("/exceptions/{exception}", operation_id="endException", status_code=204, response_class=Response,
               responses=_ACTS)  # fmt: skip
def end_exception(ctx: Ctx, exception: Id) -> Response:
    """Let an exception end today."""
    with ctx.registry.begin() as db:
        submissions.end_exception(db, exception, ctx.actor, ctx.now())
    return Response(status_code=204)


@router.post("/uploads", status_code=201, operation_id="createUpload", response_model=Upload,
             responses=problems(403, 413))  # fmt: skip
def create_upload(ctx: Ctx, wanted: NewUpload) -> Response:
    """Begin a large file that is sent in parts."""
    uploads = Uploads(ctx.handed)
    return views.json(uploads.shown(uploads.begin(wanted.name, wanted.size, ctx.analyses.room())), 201)


@router.get("/uploads/{upload}", operation_id="getUpload", response_model=Upload, responses=problems(404))
def get_upload(ctx: Ctx, upload: Id) -> Response:
    """How much of it has arrived."""
    return views.json(Uploads(ctx.handed).shown(upload))


@router.put("/uploads/{upload}", operation_id="putUploadPart", response_model=Upload,
            responses=problems(403, 404, 409, 413))  # fmt: skip
def put_part(ctx: Ctx, upload: Id, offset: Annotated[int, Query(ge=0)],
             part: Annotated[bytes, Body(media_type="application/octet-stream")]) -> Response:  # fmt: skip
    """The next part, which begins at ``offset``; 64 MiB at most."""
    uploads = Uploads(ctx.handed)
    uploads.add(upload, offset, part)
    return views.json(uploads.shown(upload))


@router.post("/uploads/{upload}/submit", status_code=202, operation_id="submitUpload", response_model=Submission,
             responses=_ACTS)  # fmt: skip
def submit_upload(ctx: Ctx, upload: Id, wanted: SubmitUpload) -> Response:
    """Hand in a file all of whose parts have arrived."""
    org = _organisation(ctx, wanted.org)
    uploads = Uploads(ctx.handed)
    made = _submit(ctx, uploads.whole(upload), org, wanted.profile, wanted.lane, wanted.passwords)
    uploads.end(upload)
    return views.json(made, 202)
