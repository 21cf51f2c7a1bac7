"""Patterns of the trade, and the words that are looked for before them."""

from __future__ import annotations

import pytest

from detectors.software import signs

SAMPLES = {
    signs.STORES: [
        "Login Data", r"Local Storage\leveldb", "/User Data", "wallet.dat", ".aws/credentials",
        ".ssh/id_rsa", "id_rsa", ".npmrc", ".pypirc", "cookies.sqlite", "logins.json", ".git-credentials",
        ".kube/config", "Exodus", "MetaMask", "nkbihfbeogaeaoehlefnkodbefgpgknn", "discordcanary/",
        "/etc/shadow", "key4.db",
    ],
    signs.DROPS: [
        "discordapp.com/api/webhooks", "API.Telegram.org/bot1", "webhook.site", "pipedream.net",
        "x.oastify.", "burpcollaborator", "interact.sh", "requestbin", "transfer.sh", "anonfiles",
        "gofile.io", "pastebin.com/raw", "ngrok-free.app", "cdn.discordapp.com/attachments",
        "a.trycloudflare.com", "paste.ee/r", "rentry.co", "canarytokens", "paste.fo/raw",
    ],
    signs.SHELL: [
        "PowerShell -enc x", "curl http://x | sh", "wget x | bash", "bash -i >& /dev/tcp/1", "/dev/tcp/1",
        "IEX (x)", "DownloadString", "certutil -urlcache", "mshta http", "schtasks /create",
        r"CurrentVersion\Run", "crontab -", r"Start Menu\Programs\Startup",
    ],
    signs.CODE: [
        "exec(urlopen", "eval ( compile",
    ],
    signs.PROGRAM: [
        "http://x.example/a.exe",
    ],
    signs.BARE: [
        "https://203.0.113.7/",
    ],
}  # fmt: skip


def test_there_are_words_for_each_pattern_and_samples_of_each():
    assert set(SAMPLES) == set(signs.HINTS)


@pytest.mark.parametrize(("pattern", "sample"), [(p, s) for p, some in SAMPLES.items() for s in some])
def test_what_a_pattern_matches_has_one_of_its_words(pattern, sample):
    assert pattern.search(sample)
    assert signs.hinted(pattern, f"before {sample} after".encode().lower())


@pytest.mark.parametrize("pattern", list(signs.HINTS))
def test_every_alternative_of_a_pattern_has_a_sample(pattern):
    for word in signs.HINTS[pattern]:
        assert any(word in s.lower().encode() for s in SAMPLES[pattern]), word
