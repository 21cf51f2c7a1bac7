"""From a file dropped on the window to its explained alert."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.console import ids, panel, rows, settled

SCENARIOS = Path(__file__).parent.parent / "scenarios"
LONG_MS = 60_000
WORDS = {"en": {"found": "1 alert found", "done": "Done", "again": "already read on", "refused": "not accepted"},
         "zh": {"found": "发现 1 条告警", "done": "完成", "again": "已于", "refused": "不受支持"}}  # fmt: skip
_DROP = """([name, content]) => {
    const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name));
    for (const type of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def _beacon_log(lang):
    """The log without its first lines of data, another number of them in each language: nobody has read it before."""
    lines = (SCENARIOS / "beacon" / "conn.log").read_text().splitlines(keepends=True)
    head = [line for line in lines if line.startswith("#")]
    data = [line for line in lines if not line.startswith("#")]
    return "".join(head + data[{"en": 3, "zh": 6}[lang] :]).encode()


def _hand_in(page, name, content):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": content})


def _card(page, name):
    return page.get_by_role("article", name=name).first


def test_a_log_becomes_its_alert_and_the_same_log_again_is_known(console, server, lang):
    words, name = WORDS[lang], f"conn-{lang}.log"
    page = console.open("/analyse", lang=lang)
    _hand_in(page, name, _beacon_log(lang))
    expect(_card(page, name)).to_be_visible()
    expect(_card(page, name).locator("[aria-current=step], .step-past").first).to_be_visible()
    link = _card(page, name).locator("a.result")
    expect(link).to_contain_text(words["found"], timeout=LONG_MS)
    expect(_card(page, name)).to_contain_text(words["done"])
    link.click()
    settled(page)
    expect(rows(page)).to_have_count(1)
    [alert] = [server.ask(f"/alerts/{i}") for i in ids(page)]
    assert (alert["rule"], alert["subject"], alert["org"]) == ("beacon", "host:10.0.0.5", "uploads")
    page.go_back()
    settled(page)
    _hand_in(page, name, _beacon_log(lang))
    expect(_card(page, name)).to_contain_text(words["again"], timeout=LONG_MS)
    expect(_card(page, name).locator("a.result")).to_contain_text(words["found"], timeout=LONG_MS)


def test_a_capture_dropped_on_any_page_leads_to_the_scan_in_it(console, server):
    content = (SCENARIOS / "port_scan" / "input.pcap").read_bytes()
    page = console.open("/situation")
    page.evaluate(_DROP, ["scan.pcap", base64.b64encode(content).decode()])
    page.wait_for_url("**/analyse")
    link = _card(page, "scan.pcap").locator("a.result")
    expect(link).to_contain_text("1 alert found", timeout=LONG_MS)
    link.click()
    settled(page)
    expect(rows(page)).to_have_count(1)
    rows(page).first.locator("a").click()
    expect(panel(page).locator(".story")).to_contain_text("10.0.0.5")
    [alert] = [server.ask(f"/alerts/{i}") for i in ids(page)]
    assert (alert["rule"], alert["subject"], alert["count"]) == ("scan_vertical", "host:10.0.0.5", 300)


def test_a_file_that_is_neither_is_refused_in_words_and_the_next_is_read(console, lang):
    page = console.open("/analyse", lang=lang)
    _hand_in(page, f"letter-{lang}.txt", f"Dear Sir or Madam ({lang}),\n".encode())
    card = _card(page, f"letter-{lang}.txt")
    expect(card.locator(".file-refused")).to_contain_text(WORDS[lang]["refused"], timeout=LONG_MS)
    expect(card.locator(".faults li").first).not_to_be_empty()
    sample = (SCENARIOS / "made_sample" / "input.pcap").read_bytes()
    _hand_in(page, f"sample-{lang}.pcap", sample)
    expect(_card(page, f"sample-{lang}.pcap").locator("a.result")).to_contain_text(
        WORDS[lang]["found"], timeout=LONG_MS)  # fmt: skip


def test_what_is_uploaded_counts_for_no_city_and_no_index(console, server):
    page = console.open("/analyse")
    _hand_in(page, "apart.pcap", (SCENARIOS / "made_sample" / "input.pcap").read_bytes())
    expect(_card(page, "apart.pcap").locator("a.result")).to_contain_text("1 alert found", timeout=LONG_MS)
    [alert, *_] = server.alerts(org="uploads", rule="yara.Fengsui_Made_Sample")
    assert alert["city"] == ""
    parts = server.ask("/situation/province/province")["contributions"]
    assert parts and not [p for p in parts if p["org"] == "uploads"]
