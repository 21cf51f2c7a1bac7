"""What this process counts of its own work, for Prometheus; docs/metrics.md says what each is."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)

MESSAGES = Counter("fengsui_messages", "Messages read", ["role"], registry=REGISTRY)
WORK = Histogram("fengsui_work_seconds", "Seconds of a step's work", ["role"], buckets=_SECONDS, registry=REGISTRY)
COMMIT = Histogram("fengsui_commit_seconds", "Seconds of a commit", ["role"], buckets=_SECONDS, registry=REGISTRY)
RETRIES = Counter("fengsui_retries", "Steps that could not be done and are tried again", ["role"], registry=REGISTRY)
REASSIGNED = Counter("fengsui_assignments", "Assignments of partitions begun", ["role"], registry=REGISTRY)
ROWS = Counter("fengsui_stored_rows", "Rows inserted into the store", ["kind"], registry=REGISTRY)
LETTERS = Counter("fengsui_letters", "Messages that became dead letters", ["role"], registry=REGISTRY)
DELAY = Histogram("fengsui_stored_delay_seconds", "Seconds from the collector to a visible row",
                  buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300), registry=REGISTRY)  # fmt: skip
