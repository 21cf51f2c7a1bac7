"""MinIO for tests: built once by the Go client into a cache, one server for a run."""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.support import engines

USER, PASSWORD = "fengsui-tests", "not-a-secret-of-anybody"
_server: list[str] = []


def program() -> str:
    folder = engines.cache() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / "minio"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            if shutil.which("go") is None:
                engines.lack("minio", "go is not on the path")
            words = ["go", "install", "github.com/minio/minio@latest"]
            where = os.environ | {"GOBIN": str(folder)}
            ran = subprocess.run(words, env=where, capture_output=True, text=True, check=False)
            if ran.returncode:
                engines.lack("minio", f"it could not be built: {ran.stderr[-300:]}")
    return str(built)


def endpoint() -> str:
    """``http://host:port`` of the server that this run shares; its keys are set for boto3."""
    if not _server:
        where = program()
        folder = Path(tempfile.mkdtemp(prefix="fengsui-minio-"))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        words = [where, "server", str(folder / "data"), "--address", f"127.0.0.1:{port}", "--quiet"]
        environment = os.environ | {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "MINIO_BROWSER": "off"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(engines.tied(words), stdout=log, stderr=log, env=environment)

        def close() -> None:
            process.kill()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)

        atexit.register(close)
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{url}/minio/health/ready", timeout=2):
                    break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > end or process.poll() is not None:
                    raise RuntimeError((folder / "log").read_text()[-2000:]) from None
                time.sleep(0.1)
        _server.append(url)
    return _server[0]


def bucket() -> str:
    """The address of a fresh bucket, as ``blobs_url`` takes it."""
    import boto3

    url = endpoint()
    os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = USER, PASSWORD
    name = f"test-{secrets.token_hex(6)}"
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    client.close()
    return f"s3://{name}/blobs?endpoint={url}"
