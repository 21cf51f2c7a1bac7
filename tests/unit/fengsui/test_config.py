"""Settings: where they come from, which wins, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fengsui.config import Settings, WatchSetting, load
from fengsui.errors import BadSetting, UsageError


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "fengsui.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_without_anything_the_defaults_hold():
    assert load() == Settings()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(file):
    path = file('org = "file"\nnetwork = "file"\nsensor = "file"\n')
    environment = {"FENGSUI_NETWORK": "environment", "FENGSUI_SENSOR": "environment"}
    s = load(path, environment, {"sensor": "flag"})
    assert (s.org, s.network, s.sensor) == ("file", "environment", "flag")


def test_a_flag_that_was_not_given_changes_nothing(file):
    assert load(file('org = "file"'), {}, {"org": None}).org == "file"


def test_every_setting_can_be_given_in_a_file_and_in_the_environment(file):
    values = {"data": "d", "org": "o", "network": "n", "sensor": "s", "local_networks": ["192.0.2.0/24"], "rules": "r",
              "indicators": ["a.txt", "b.txt"], "hunt_interval": 2.5, "bus_bytes": 1, "decoder_memory": 2,
              "file_limit": 3, "disk_bytes": 4, "organisations": "o.yaml", "map": "m.json", "host": "::1", "port": 0,
              "token": "0123456789abcdef", "kafka_bootstrap": ["a:9092", "b:9092"], "kafka_security": "SASL_SSL",
              "kafka_mechanism": "PLAIN", "kafka_user": "u", "kafka_password": "p", "kafka_ca": "ca.pem",
              "kafka_certificate": "c.pem", "kafka_key": "k.pem", "kafka_prefix": "p.",
              "kafka_partitions": 3, "kafka_replication": 2, "kafka_pack": True,
              "clickhouse_url": "clickhouse://h", "clickhouse_cluster": "c", "registry_url": "postgresql+psycopg://h/d",
              "blobs_url": "s3://b", "instance": "sink-0", "dead_letter_limit": 5, "retention_days": 30,
              "retention_kinds": ["dns=90", "flow=60"], "metrics_port": 9464,
              "known_bad": ["h.txt"], "signing_key": "s.pem", "log_format": "json",
              "traces_url": "http://t:4318"}  # fmt: skip
    assert {*values, "watch", "feeds"} == {f.name for f in msgspec.structs.fields(Settings)}
    text = "".join(f"{k} = {msgspec.json.encode(v).decode()}\n" for k, v in values.items())
    text += "[[watch]]\nfolder = 'a'\n[[watch]]\nfolder = 'b'\n"
    text += "[[feeds]]\necosystem = 'pypi'\n[[feeds]]\necosystem = 'npm'\n"
    values["watch"], values["feeds"] = ["a", "b"], ["pypi", "npm"]
    environment = {f"FENGSUI_{k.upper()}": ",".join(v) if isinstance(v, list) else str(v) for k, v in values.items()}
    from_file, from_environment = load(file(text)), load(None, environment)
    assert from_file == from_environment
    assert from_file.indicators == (Path("a.txt"), Path("b.txt"))
    assert (from_file.hunt_interval, from_file.bus_bytes) == (2.5, 1)
    assert from_file.watch == (WatchSetting(Path("a")), WatchSetting(Path("b")))


def test_a_watched_folder_says_whose_it_is(file):
    (w,) = load(file("[[watch]]\nfolder = 'in'\norg = 'bank'\nnetwork = 'dmz'\nsensor = 's1'\n")).watch
    assert w == WatchSetting(Path("in"), "bank", "dmz", "s1")


@pytest.mark.parametrize("text", ["[[watch]]\norg = 'a'\n", "[[watch]]\nfolder = 'a'\nfoldr = 'b'\n", "watch = 'a'\n",
                                  "[[watch]]\nfolder = 'a'\norg = ''\n", "[[watch]]\nfolder = ''\n"])  # fmt: skip
def test_a_watched_folder_that_is_not_described_rightly_is_refused(file, text):
    with pytest.raises(BadSetting, match=r"fengsui\.toml: watch: "):
        load(file(text))


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "with a space in it", "不是请求头能带的字符再长也不行"])
def test_a_token_that_is_short_or_does_not_fit_a_header_is_refused(token):
    with pytest.raises(BadSetting, match="the environment: token: "):
        load(None, {"FENGSUI_TOKEN": token})


@pytest.mark.parametrize(("environment", "flags", "origin"), [
    ({"FENGSUI_ORGG": "x"}, {}, "the environment"), ({}, {"orgg": "x"}, "the command line")])  # fmt: skip
def test_an_unknown_key_is_refused_with_its_name_and_origin(environment, flags, origin):
    with pytest.raises(BadSetting, match=f"{origin}: unknown setting 'orgg'.*sensor"):
        load(None, environment, flags)


def test_an_unknown_key_of_a_file_names_the_file(file):
    path = file('orgg = "x"')
    with pytest.raises(BadSetting, match="unknown setting 'orgg'") as e:
        load(path)
    assert str(path) in str(e.value)
    assert isinstance(e.value, UsageError)


@pytest.mark.parametrize("text", ["bus_bytes = 'many'", "hunt_interval = []", "org = 5", "indicators = 'a.txt'"])
def test_a_value_of_another_type_names_its_key(file, text):
    key = text.split()[0]
    with pytest.raises(BadSetting, match=f"fengsui.toml: {key}: "):
        load(file(text))


@pytest.mark.parametrize("text", ["org = ", b"\xff\xfe", "org = 'a'\norg = 'b'"])
def test_a_file_that_is_not_toml_is_refused_by_name(file, text):
    with pytest.raises(BadSetting, match=r"fengsui\.toml: "):
        load(file(text))


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(BadSetting, match=r"nowhere\.toml: No such file"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(("key", "value"), [("bus_bytes", -1), ("decoder_memory", 0), ("file_limit", -5),
                                            ("hunt_interval", -0.5), ("org", ""), ("port", 65536), ("disk_bytes", 0),
                                            ("host", ""), ("network", "")])  # fmt: skip
def test_a_number_or_name_out_of_range_names_its_key(key, value):
    with pytest.raises(BadSetting, match=f"the command line: {key}: "):
        load(flags={key: value})


def test_variables_of_others_are_left_alone():
    assert load(None, {"FENGSUI_LANG": "zh", "FENGSUI_CONFIG": "x", "PATH": "y", "fengsui_org": "z"}) == Settings()
