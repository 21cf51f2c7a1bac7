"""The report on a submission: one page that a manager reads and an engineer can act on, in Chinese or English.

The content is one object, and page, PDF and machine-readable forms are made of it. Whatever comes from a submission is
text in all of them, never markup.
"""

from __future__ import annotations

import html
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from detectors.software import wording
from detectors.software.facts import Facts, visible
from detectors.software.verdict import CLEAN, INCOMPLETE, MALICIOUS, SUSPICIOUS, Verdict
from fengsui import __version__

REASONS, LIMITS, BINARIES = 9, 6, 4
"""Of each that are on the page; the rest are counted there and whole in the machine-readable form."""
COLOURS = {MALICIOUS: "#b3261e", SUSPICIOUS: "#b06000", INCOMPLETE: "#3b5b92", CLEAN: "#2e6b34"}

_MEANS = {
    MALICIOUS: ("It does what only malicious software does. It must not be installed, run or passed on.",
                "该软件具有只有恶意软件才有的行为，不得安装、运行或转发。"),
    SUSPICIOUS: ("It does things that malicious software does and honest software seldom. Whether there is a reason "
                 "for "
                 "them, a person must decide.", "该软件具有恶意软件常见而正常软件少见的行为，需由人工判断其是否合理。"),
    INCOMPLETE: ("Nothing was found, but not all of it was looked at. That is no clearance.",
                 "未发现问题，但有内容未能检查，不能视为通过。"),
    CLEAN: ("All of it was looked at and nothing was found. New knowledge may change that: it is judged again with "
            "every "
            "new rule.", "已全部检查，未发现问题。规则或模型更新后会自动重新判定，结论可能变化。"),
}  # fmt: skip
_DO = {
    MALICIOUS: (("Do not install it; take it out of mirrors, caches and images, by the hash below.",
                 "Find where it was installed. Treat those hosts as compromised: isolate them and keep their state.",
                 "Replace every key, token and password that could be read there.",
                 "If it is not malicious, appeal with your reason: an answer is due in five days."),
                ("不要安装；按下方哈希从镜像站、缓存和容器镜像中清除。",
                 "排查安装过它的主机，按已失陷处理：隔离并保留现场。",
                 "更换这些主机上可被读取的全部密钥、令牌和口令。", "如认为判定有误，可附理由申诉，五日内答复。")),
    SUSPICIOUS: (("Hold its release until an engineer has looked at the places below.",
                  "Ask its maker what they are for; compare with the release before.",
                  "If they are in order, appeal or ask for an exception with an owner and an end."),
                 ("工程师查看下列位置之前，暂停发布。", "向开发者核实其用途，并与上一版本对比。",
                  "如确属正常，可申诉，或申请有责任人和期限的例外。")),
    INCOMPLETE: (("Hand in what is named under “not looked at” as it says there, and scan again.",
                  "Until then treat it as software that nobody has checked."),
                 ("按“未检查内容”的提示补充提交后重新扫描。", "在此之前，按未经检查的软件对待。")),
    CLEAN: (("Keep the hash: install exactly this file.", "Watch for a notice that the verdict has changed."),
            ("保留哈希，仅安装与之一致的文件。", "留意判定变更的通知。")),
}  # fmt: skip
_WORDS = {
    "title": ("Report on software", "软件安全检测报告"), "verdict": ("Verdict", "结论"),
    "probability": ("probability of malice", "恶意概率"), "means": ("What this means", "含义"),
    "do": ("What to do", "处置建议"),
    "reasons": ("Why: what was found, the heaviest first", "判定依据（按影响从大到小）"),
    "found": ("Found", "发现"), "where": ("Where", "位置"), "matched": ("Matched", "匹配内容"),
    "share": ("Share", "影响"),
    "none": ("Nothing.", "无。"), "limits": ("Not looked at", "未检查内容"),
    "binaries": ("Programs in it", "其中的程序"),
    "facts": ("What was looked at", "检测对象"), "name": ("Name", "名称"), "package": ("Package", "软件包"),
    "size": ("Size", "大小"), "files": ("Files in it", "内含文件"), "format": ("Format", "格式"),
    "analysis": ("Analysis", "分析版本"), "at": ("Made at", "生成时间"), "org": ("Organisation", "单位"),
    "submission": ("Submission", "提交编号"),
    "more": ("and {n} more in the machine-readable form", "另有 {n} 项见机器可读报告"),
    "sha256": ("SHA-256", "SHA-256"), "bytes": ("bytes", "字节"), "signed": (
        "The signature beside this page covers it; it can be checked without a network: fengsui report verify",
        "本页附有数字签名，可离线验证：fengsui report verify"),
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """What the report is on; ``at`` in microseconds. ``org``: the organisation's name as it is to be read."""

    name: str
    at: int
    org: str = ""
    submission: str = ""


def content(of: Subject, facts: Facts, v: Verdict, lang: str) -> dict[str, Any]:
    """Everything that the report says, in one language."""
    i = int(lang == "zh")
    return {
        "format": "fengsui-report/1", "lang": lang, "words": {k: w[i] for k, w in _WORDS.items()},
        "name": visible(of.name, 300), "org": of.org, "submission": of.submission,
        "at": datetime.fromtimestamp(of.at / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "made_by": f"Fengsui {__version__}",
        "verdict": v.word, "verdict_text": wording.VERDICTS[v.word][i], "colour": COLOURS[v.word],
        "probability": round(v.probability, 4), "base": round(v.base, 4), "means": _MEANS[v.word][i],
        "do": list(_DO[v.word][i]),
        "reasons": [{"rule": e.rule, "text": wording.reason(e, lang), "file": e.path, "line": e.line,
                     "offset": e.offset,
                     "matched": e.matched, "share": round(share, 2), "techniques": list(e.techniques)}
                    for e, share in v.reasons],
        "limits": [{"name": x.name, "text": wording.limit(x, lang), "file": x.path,
                    "detail": x.detail} for x in v.limits],
        "binaries": [{"path": b.path, "format": b.format, "machine": b.machine, "packed": b.packed, "signed": b.signed,
                      "hardening": b.hardening} for b in facts.binaries],
        "packages": [{"ecosystem": c.ecosystem, "name": c.name, "version": c.version} for c in facts.claims],
        "sha256": facts.sha256, "size": facts.size, "file_format": facts.format, "files": facts.members,
        "bytes_out": facts.bytes_out, "analysis": facts.analysis,
    }  # fmt: skip


def page(c: dict[str, Any]) -> str:
    """A page of HTML that needs nothing else and prints on paper."""
    t, w = html.escape, {k: html.escape(v) for k, v in c["words"].items()}
    reasons = "".join(
        f"<tr><td>{t(r['text'])}<br><small>{t(r['rule'])} {t(' '.join(r['techniques']))}</small></td>"
        f"<td class=m>{t(_where(r))}</td><td class=m>{t(r['matched'])}</td><td class=n>{r['share']:+.1f}</td></tr>"
        for r in c["reasons"][:REASONS]
    )
    limits = "".join(f"<li>{t(x['text'])} <small class=m>{t(x['file'])} {t(x['detail'])}</small></li>" for x
                     in c["limits"][:LIMITS])
    binaries = "".join(f"<li class=m>{t(_binary(b))}</li>" for b in c["binaries"][:BINARIES])
    facts = "".join(f"<tr><th>{w[k]}</th><td class=m>{t(str(value))}</td></tr>" for k, value in _facts(c) if value)
    rest = [(c["reasons"], REASONS), (c["limits"], LIMITS), (c["binaries"], BINARIES)]
    more = [f"<p><small>{w['more'].format(n=len(x) - n)}</small></p>" if len(x) > n else "" for x, n in rest]
    table = (f"<table><tr><th>{w['found']}<th>{w['where']}<th>{w['matched']}<th>{w['share']}</tr>{reasons}</ta"
             f"ble>{more[0]}"
             if reasons else f"<p>{w['none']}</p>")  # fmt: skip
    return f"""<!doctype html>
<html lang="{"zh-CN" if c["lang"] == "zh" else "en"}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{w["title"]}: {t(c["name"])}</title><style>{_STYLE}</style></head><body>
<header><h1>{w["title"]}</h1><p class=m>{t(c["name"])}</p></header>
<section class=v style="border-color:{c["colour"]}"><b style="color:{c["colour"]}">{t(c["verdict_text"])}</b>
<span>{w["probability"]} {c["probability"]:.1%}</span><p>{t(c["means"])}</p></section>
<h2>{w["do"]}</h2><ol>{"".join(f"<li>{t(x)}</li>" for x in c["do"])}</ol>
<h2>{w["reasons"]}</h2>{table}
{f"<h2>{w['limits']}</h2><ul>{limits}</ul>{more[1]}" if limits else ""}
{f"<h2>{w['binaries']}</h2><ul>{binaries}</ul>{more[2]}" if binaries else ""}
<h2>{w["facts"]}</h2><table class=f>{facts}</table>
<footer>{t(c["made_by"])} · {w["signed"]}</footer></body></html>
"""


def pdf(c: dict[str, Any]) -> bytes:
    """The same as PDF: vector text, fonts inside. What the font has no sign for is shown by its number."""
    import typst

    shown = json.loads(json.dumps(_drawable(c), ensure_ascii=False))
    shown["reasons"] = [r | {"where": _where(r)} for r in shown["reasons"][:REASONS]]
    shown["more"] = max(0, len(c["reasons"]) - REASONS)
    shown["limits"], shown["binaries"] = shown["limits"][:LIMITS], [_binary(b) for b in shown["binaries"][:BINARIES]]
    shown["facts"] = [[shown["words"][k], str(value)] for k, value in _facts(shown) if value]
    template = (resources.files(__package__) / "report.typ").read_bytes()
    fonts: Any = [str(resources.files("fengsui") / "fonts")]
    return typst.compile(template, format="pdf", font_paths=fonts, ignore_system_fonts=True,
                         sys_inputs={"data": json.dumps(shown, ensure_ascii=False)})  # fmt: skip


def cyclonedx(of: Subject, facts: Facts, v: Verdict) -> dict[str, Any]:
    """What was submitted, what it says that it is, and the programs in it, as a CycloneDX 1.6 document."""
    root = {"type": "file", "bom-ref": "submitted", "name": visible(of.name, 300),
            "hashes": [{"alg": "SHA-256", "content": facts.sha256}],
            "properties": [{"name": "fengsui:verdict", "value": v.word},
                           {"name": "fengsui:probability", "value": f"{v.probability:.4f}"}]}  # fmt: skip
    claims = [{"type": "library", "bom-ref": f"claim-{n}", "name": c.name, "version": c.version,
               "purl": f"pkg:{c.ecosystem}/{c.name.replace('@', '%40')}@{c.version}",
               "properties": [{"name": "fengsui:claimed-by", "value": c.path}]} for n, c in enumerate(facts.claims)]
    programs = {b.path for b in facts.binaries}
    inner = [{"type": "file", "bom-ref": f"file-{n}", "name": f.path, "hashes": [{"alg": "SHA-256",
                                                                                  "content": f.sha256}]}
             for n, f in enumerate(f for f in facts.files if f.path in programs)]  # fmt: skip
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'fengsui:{facts.sha256}:{facts.analysis}')}",
        "metadata": {"timestamp": datetime.fromtimestamp(of.at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                     "tools": {"components": [{"type": "application", "name": "Fengsui", "version": __version__}]},
                     "component": root},
        "components": [*claims, *inner],
        "dependencies": [{"ref": "submitted", "dependsOn": [x["bom-ref"] for x in (*claims, *inner)]}],
    }  # fmt: skip


def _where(r: dict[str, Any]) -> str:
    at = f":{r['line']}" if r["line"] > 0 else f" @{r['offset']}" if r["offset"] >= 0 else ""
    return f"{r['file']}{at}"


def _binary(b: dict[str, Any]) -> str:
    hardening = " ".join(f"{k}={v}" for k, v in b["hardening"].items())
    packed = f" packed={b['packed']}" if b["packed"] else ""
    signed = f" signature={b['signed']}" if b["signed"] else ""
    return f"{b['path']}  {b['format']} {b['machine']} {hardening}{packed}{signed}"


def _facts(c: dict[str, Any]) -> list[tuple[str, object]]:
    packages = "; ".join(f"{p['ecosystem']} {p['name']} {p['version']}" for p in c["packages"][:3])
    return [("name", c["name"]), ("org", c["org"]), ("package", packages), ("submission", c["submission"]),
            ("size", f"{c['size']:,} {c['words']['bytes']}"), ("format", c["file_format"]), ("files",
                                                                                             f"{c['files']:,}"),
            ("analysis", c["analysis"]), ("at", c["at"]), ("sha256", c["sha256"])]  # fmt: skip


def _drawable(value: Any) -> Any:
    """Texts whose every character the font has: others vanish from a PDF without a word."""
    if isinstance(value, str):
        has = _characters()
        return "".join(c if c in has or c in "\n " else f"[U+{ord(c):04X}]" for c in value)
    if isinstance(value, dict):
        return {k: _drawable(v) for k, v in value.items()}
    return [_drawable(v) for v in value] if isinstance(value, list) else value


def _characters() -> frozenset[str]:
    from fengsui.fonts import characters

    return characters()


_STYLE = """body{font:14px/1.5 system-ui,"Noto Sans SC","PingFang SC",
"Microsoft YaHei",sans-serif;max-width:60em;margin:2em auto;
padding:0 1em;color:#1c1c1c;background:#fff}h1{font-size:1.5em;margin:0}h2{font-size:1.05em;margin:1.4em 0 .4em}
.m{font-family:ui-monospace,monospace;font-size:.88em;overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}
.v{border-left:6px solid;padding:.3em 1em;margin:1em 0;background:#f6f6f6}.v b{font-size:1.4em;margin-right:1em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3em
.5em;border-bottom:1px solid #ddd}
.f th{width:9em;font-weight:600}small,footer{color:#666}footer{margin-top:2em;font-size:.85em}
@media print{body{margin:0;max-width:none}.v{print-color-adjust:exact;-webkit-print-color-adjust:exact}}"""
