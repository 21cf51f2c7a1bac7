"""Kafka through kafka-python beside confluent-kafka (librdkafka), with messages of our sizes.

``python -m evals.clients [--rows N] [--json]``: the same encoded messages of flow rows, 50,000 and 2,000 rows each,
are sent in transactions of one message and read back by either client from one broker; the CPU time of this process is
taken for each row, and messages a second. What the difference costs a platform stands in docs/decisions/0007.
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from evals.bench_sink import flows
from fengsui.batch import MAX_ROWS, Batch
from fengsui.wire import event_outputs
from tests.support.kafka import bootstrap

SIZES = (MAX_ROWS, 2_000)


def ours(servers: str, topic: str, values: list[bytes]) -> dict[str, float]:
    """kafka-python."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    producer = KafkaProducer(bootstrap_servers=servers, transactional_id=secrets.token_hex(4), retry_backoff_ms=5,
                             max_request_size=16 << 20, acks="all")  # fmt: skip
    producer.init_transactions()

    def send() -> None:
        for v in values:
            producer.begin_transaction()
            producer.send(topic, v, partition=0)
            producer.commit_transaction()

    sent = timed(send)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed", auto_offset_reset="earliest",
                             enable_auto_commit=False, fetch_max_bytes=64 << 20,
                             max_partition_fetch_bytes=16 << 20)  # fmt: skip
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()

    def read() -> None:
        n = 0
        while n < len(values):
            n += sum(len(r) for r in consumer.poll(1000).values())

    got = timed(read)
    consumer.close()
    return {"send": sent[0], "send_cpu": sent[1], "read": got[0], "read_cpu": got[1]}


def theirs(servers: str, topic: str, values: list[bytes]) -> dict[str, float]:
    """confluent-kafka."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    producer = Producer({"bootstrap.servers": servers, "transactional.id": secrets.token_hex(4),
                         "message.max.bytes": 16 << 20})  # fmt: skip
    producer.init_transactions()

    def send() -> None:
        for v in values:
            producer.begin_transaction()
            producer.produce(topic, v, partition=0)
            producer.commit_transaction()

    sent = timed(send)
    consumer = Consumer({"bootstrap.servers": servers, "group.id": secrets.token_hex(4),
                         "isolation.level": "read_committed", "enable.auto.commit": False,
                         "fetch.max.bytes": 64 << 20, "max.partition.fetch.bytes": 16 << 20})  # fmt: skip
    consumer.assign([TopicPartition(topic, 0, 0)])

    def read() -> None:
        n = 0
        while n < len(values):
            for m in consumer.consume(16, 1.0):
                if m.error():
                    raise SystemExit(f"confluent-kafka: {m.error()}")
                n += m.value() is not None

    got = timed(read)
    consumer.close()
    return {"send": sent[0], "send_cpu": sent[1], "read": got[0], "read_cpu": got[1]}


def timed(run: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU."""
    began, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - began, time.process_time() - cpu


def messages(rows: int, size: int) -> list[bytes]:
    whole = flows(MAX_ROWS, 1)
    parts = [Batch(whole.kind, whole.rows.slice(at, size)) for at in range(0, MAX_ROWS, size)]
    made = [o.value for p in parts for o in event_outputs(p, "0")]
    return [made[i % len(made)] for i in range(max(1, rows // size))]


def measure(rows: int) -> dict[str, Any]:
    from kafka.admin import KafkaAdminClient, NewTopic

    servers = bootstrap()
    admin = KafkaAdminClient(bootstrap_servers=servers)
    out: dict[str, Any] = {}
    for size in SIZES:
        values = messages(rows if size == MAX_ROWS else rows // 10, size)
        n = len(values) * size
        for name, client in (("kafka-python", ours), ("confluent-kafka", theirs)):
            topic = f"clients-{secrets.token_hex(4)}"
            admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": str(16 << 20)})])
            time.sleep(1.0)
            try:
                r = client(servers, topic, values)
            except ImportError:
                out[f"{name} {size}"] = None
                continue
            out[f"{name} {size}"] = {
                "messages_per_s_sent": len(values) / r["send"], "messages_per_s_read": len(values) / r["read"],
                "send_cpu_us_a_row": r["send_cpu"] / n * 1e6, "read_cpu_us_a_row": r["read_cpu"] / n * 1e6,
            }  # fmt: skip
    admin.close()
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.rows)
    if options.json:
        print(json.dumps(found))
        return 0
    print(f"{'client, rows a message':26} {'sent/s':>8} {'read/s':>8} {'send µs/row':>12} {'read µs/row':>12}")
    for name, r in found.items():
        if r is None:
            print(f"{name:26} no wheel for this Python")
            continue
        print(f"{name:26} {r['messages_per_s_sent']:8,.0f} {r['messages_per_s_read']:8,.0f} "
              f"{r['send_cpu_us_a_row']:12.3f} {r['read_cpu_us_a_row']:12.3f}")  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
