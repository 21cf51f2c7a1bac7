"""How a score was reached, in one line with its numbers, in both languages. Pure."""

from __future__ import annotations

from typing import Any

from situation.area import Part
from situation.index import K
from situation.tables import Text, Weights, text


def formula(w: Weights, scope: str, score: dict[str, Any], parts: tuple[float, list[Part]] | None) -> Text:
    """The sum behind a score as ``queries`` shows it; ``parts``: an area's index and its parts."""
    if score["index"] is None:
        low = score["at_least"]
        if low is None:
            return text("Not enough data for an index.", "数据不足，无法计算指数。")
        return text(f"Not enough data for an index; by what is known it is at least {low:.1f}.",
                    f"数据不足，无法计算指数；据已知情况至少为 {low:.1f}。")  # fmt: skip
    return _area(w, score, parts) if scope != "organisation" else _organisation(w, score)


def _organisation(w: Weights, score: dict[str, Any]) -> Text:
    known = [d for d in score["dimensions"] if d["score"] is not None]
    total = sum(d["weight"] for d in known)
    shares = [(d, d["weight"] / total) for d in known]
    mean = sum(d["score"] * share for d, share in shares)
    worst = max(d["score"] for d in known)
    beta, index = w.floors.organisation, score["index"]

    def terms(lang: str) -> str:
        return " + ".join(f"{share:.3f} × {d['score']:.1f} ({d['label'][lang]})" for d, share in shares)

    left_out = K - len(known)
    en = f"max({terms('en')} = {mean:.1f}, {beta:g} × {worst:.1f} = {beta * worst:.1f}) = {index:.1f}"
    zh = f"max({terms('zh')} = {mean:.1f}，{beta:g} × {worst:.1f} = {beta * worst:.1f}) = {index:.1f}"
    if not left_out:
        return text(en, zh)
    without = text(f"; {left_out} dimension(s) without a source left out", f"；{left_out} 个维度无数据来源，未计入")
    return text(en + without.en, zh + without.zh)


def _area(w: Weights, score: dict[str, Any], parts: tuple[float, list[Part]] | None) -> Text:
    n = len(parts[1]) if parts else 0
    mean, q, gamma, index = w.mean_share, w.percentile, w.floors.area, score["index"]
    worst = score["worst"]["index"] if score["worst"] else 0.0
    en = (f"max({mean:g} × weighted mean + {1 - mean:g} × weighted percentile {q * 100:g}, {gamma:g} × {worst:.1f} = "
          f"{gamma * worst:.1f}) = {index:.1f}, of {n} organisation(s) with enough data")  # fmt: skip
    zh = (f"max({mean:g} × 加权均值 + {1 - mean:g} × 加权第 {q * 100:g} 百分位，{gamma:g} × {worst:.1f} = "
          f"{gamma * worst:.1f}) = {index:.1f}，共 {n} 家数据充足的单位")  # fmt: skip
    return text(en, zh)
