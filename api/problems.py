"""Errors as application/problem+json (RFC 9457), in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fengsui.jsonform import time_text
from situation.acts import Conflict, Refused

TEXT: dict[str, tuple[str, str]] = {
    "unauthorised": ("Sign in first: open the address that was printed at start, or send its token",
                     "请先登录：打开启动时显示的地址，或在请求中附上令牌"),
    "wrong-token": ("This token is not the one printed at start", "令牌不是启动时显示的令牌"),
    "wrong-host": ("This name is not one that the server answers to", "服务器不应答此主机名"),
    "missing-header": ("A change from a browser needs the header X-Fengsui: 1",
                       "浏览器发出的更改请求必须带有请求头 X-Fengsui: 1"),
    "not-found": ("Not found", "未找到"),
    "gone": ("It was deleted", "已被删除"),
    "method": ("This method is not allowed here", "此处不允许使用该方法"),
    "invalid": ("The request does not fit its description", "请求不符合接口说明"),
    "nul": ("The character NUL is in no text that is kept here", "文本中不能包含 NUL 字符"),
    "unknown-cursor": ("This cursor belongs to another query: begin again without it",
                       "该游标属于另一个查询，请去掉游标重新开始"),
    "unknown-kind": ("There is no such kind of event", "没有这种事件"),
    "conflict": ("Somebody else has changed it meanwhile", "其间已有他人作出更改"),
    "refused": ("This cannot be done now", "当前无法执行此操作"),
    "too-large": ("The request is too large", "请求过大"),
    "nothing-to-read": ("None of the files can be read", "所有文件均无法读取"),
    "busy": ("The engine is busy; try again in a moment", "引擎繁忙，请稍后再试"),
    "too-many": ("Too many live streams are open", "打开的实时连接过多"),
    "internal": ("Something went wrong here; it has been logged", "服务器内部出错，已记录"),
}  # fmt: skip

_ACTS = {
    "triaged": ("triaged", "作了处置"), "edited": ("edited", "作了修改"), "issued": ("issued", "已发布"),
    "adjusted": ("adjusted", "已调整"), "lifted": ("lifted", "已解除"), "dismissed": ("dismissed", "决定不予发布"),
    "drafted": ("drafted", "起草了它"), "updated": ("updated", "更新了它"),
    "proposed": ("proposed a change of", "提出了调整建议"),
}  # fmt: skip
_NO_TIME = ("is no time such as 2026-11-24T08:00:00Z", "不是有效时间，例如 2026-11-24T08:00:00Z")
_REASONS = {
    "extra_forbidden": ("unknown: it is none of those described", "未知：不在接口说明之列"),
    "missing": ("is required", "为必填项"),
    "enum": ("is none of: {expected}", "不在以下取值之内：{expected}"),
    "literal_error": ("is none of: {expected}", "不在以下取值之内：{expected}"),
    "int_parsing": ("must be a whole number", "必须为整数"),
    "less_than_equal": ("must be at most {le}", "不得大于 {le}"),
    "greater_than_equal": ("must be at least {ge}", "不得小于 {ge}"),
    "string_too_long": ("is longer than {max_length} characters", "超过 {max_length} 个字符"),
    "string_pattern_mismatch": ("does not have the form {pattern}", "不符合格式 {pattern}"),
    "datetime_from_date_parsing": _NO_TIME, "datetime_parsing": _NO_TIME,
    "json_invalid": ("is not JSON", "不是有效的 JSON"),
}  # fmt: skip


class ProblemError(Exception):
    """Answer with a problem. ``kind`` is a key of TEXT; ``detail`` (English, Chinese) says more."""

    def __init__(self, status: int, kind: str, detail: tuple[str, str] = ("", ""),
                 errors: Sequence[tuple[str, str, str]] = ()) -> None:  # fmt: skip
        super().__init__(f"{status} {kind} {detail[0]}")
        self.status, self.kind, self.detail, self.errors = status, kind, detail, errors


def language(headers: Headers) -> int:
    """0 English, 1 Chinese: by the weights of Accept-Language; English if neither is named."""
    best, chosen = 0.0, 0
    for part in headers.get("accept-language", "").lower().split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.replace("q=", "").strip() or 1)
        except ValueError:
            continue
        for i, name in enumerate(("en", "zh")):
            if tag.startswith(name) and weight > best:
                best, chosen = weight, i
    return chosen


def response(headers: Headers, error: ProblemError) -> Response:
    lang = language(headers)
    body: dict[str, object] = {"type": f"/problems/{error.kind}", "title": TEXT[error.kind][lang],
                               "status": error.status, "detail": error.detail[lang]}  # fmt: skip
    body["errors"] = [{"field": f, "reason": (en, zh)[lang]} for f, en, zh in error.errors]
    extra = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    return Response(msgspec.json.encode(body), error.status, media_type="application/problem+json",
                    headers={"content-language": ("en", "zh")[lang], **extra})  # fmt: skip


async def problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return response(request.headers, error)


async def http(request: Request, error: Exception) -> Response:
    """What the framework itself refuses."""
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method", 413: "too-large"}.get(error.status_code, "invalid")
    answer = response(request.headers, ProblemError(error.status_code, kind))
    answer.headers.update(error.headers or {})
    return answer


async def invalid(request: Request, error: Exception) -> Response:
    """A request that does not fit its declaration: each field with the reason."""
    assert isinstance(error, RequestValidationError)
    errors = []
    for e in error.errors():
        field = ".".join(str(p) for p in e["loc"][1:]) or str(e["loc"][0])
        en, zh = _REASONS.get(e["type"], (e["msg"], f"取值无效（{e['msg']}）"))
        values = {k: v for k, v in (e.get("ctx") or {}).items() if isinstance(v, (str, int, float))}
        errors.append((field, en.format(**values), zh.format(**values)))
    return response(request.headers, ProblemError(422, "invalid", errors=errors))


async def conflict(request: Request, error: Exception) -> Response:
    """Somebody acted after what the person saw: who, when and what."""
    assert isinstance(error, Conflict)
    when, (en, zh) = time_text(error.at)[:19].replace("T", " "), _ACTS.get(error.act, (error.act, error.act))
    detail = (f"{error.actor} {en} it at {when} UTC.", f"{error.actor} 于 {when}（UTC）{zh}。")
    return response(request.headers, ProblemError(409, "conflict", detail))


async def refused(request: Request, error: Exception) -> Response:
    """An act that is not possible in this state, or with these values."""
    assert isinstance(error, Refused)
    said = (str(error), error.zh)
    errors = [(error.field, *said)] if error.field else []
    return response(request.headers, ProblemError(409, "refused", said, errors))


async def absent(request: Request, error: Exception) -> Response:
    return response(request.headers, ProblemError(404, "not-found", (str(error), str(error))))


def not_found(what: str) -> ProblemError:
    return ProblemError(404, "not-found", (what, what))
