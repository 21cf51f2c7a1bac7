"""Traces through the bus (OpenTelemetry), off unless an address is set: a span for each commit, from the collector on.

What a commit sends carries the span in the header ``traceparent`` (W3C Trace Context), and who reads it goes on with
that trace: so one message is seen from the file to the alert. A commit that rests on several messages belongs to the
trace of the first and is linked to the others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from fengsui.bus.protocol import Commit, Message
from fengsui.errors import BadSetting

HEADER = "traceparent"
MOST_LINKS = 100


class _Tracing:
    """One for the process, as the logging is."""

    tracer: Any = None
    provider: Any = None


def configure(endpoint: str, role: str, instance: str, *, exporter: Any = None) -> None:
    """Send spans to an OTLP collector over HTTP (``http://host:4318``); ``exporter`` instead of it, for tests.

    Raises BadSetting if the extra ``traces`` is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as e:
        raise BadSetting("traces_url needs the extra `traces`: pip install 'fengsui[traces]'") from e
    about = Resource.create({"service.name": f"fengsui-{role}", "service.instance.id": instance or "0"})
    _Tracing.provider = TracerProvider(resource=about)
    target = exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    _Tracing.provider.add_span_processor(BatchSpanProcessor(target))
    _Tracing.tracer = _Tracing.provider.get_tracer("fengsui")


def end() -> None:
    """Send what is left, and trace no more."""
    if _Tracing.provider is not None:
        _Tracing.provider.shutdown()
    _Tracing.tracer = _Tracing.provider = None


class Trace:
    """The messages that a worker has in hand, until their commit. Does nothing while tracing is off."""

    def __init__(self, role: str) -> None:
        self._role = role
        self.drop()

    def drop(self) -> None:
        self._parents: list[str] = []
        self._began = 0
        self._messages = 0

    def read(self, messages: Sequence[Message]) -> None:
        if _Tracing.tracer is None:
            return
        self._began = self._began or time.time_ns()
        self._messages += len(messages)
        for m in messages:
            parent = m.headers.get(HEADER)
            if parent and parent not in self._parents and len(self._parents) < MOST_LINKS:
                self._parents.append(parent)

    def span(self, commit: Commit) -> tuple[Any, Commit]:
        """A context to commit in, and the commit with the trace in its outputs."""
        if _Tracing.tracer is None:
            return nullcontext(), commit
        from opentelemetry import trace

        contexts = [_context(p) for p in self._parents]
        links = [trace.Link(trace.get_current_span(c).get_span_context()) for c in contexts[1:]]
        span = _Tracing.tracer.start_span(
            self._role, contexts[0] if contexts else None, kind=trace.SpanKind.CONSUMER, links=links,
            start_time=self._began or None,
            attributes={"messaging.system": "fengsui", "messaging.batch.message_count": self._messages,
                        "fengsui.outputs": len(commit.outputs)})  # fmt: skip
        self.drop()
        said = _header(span)
        outputs = [replace(o, headers={**o.headers, HEADER: said}) for o in commit.outputs]
        return trace.use_span(span, end_on_exit=True), replace(commit, outputs=outputs)


def _context(header: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({HEADER: header})


def _header(span: Any) -> str:
    c = span.get_span_context()
    return f"00-{c.trace_id:032x}-{c.span_id:016x}-{c.trace_flags:02x}"


def current() -> str:
    """The trace that this thread is in, for its log lines; empty if none."""
    if _Tracing.tracer is None:
        return ""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""
