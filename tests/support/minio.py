"""MinIO for tests: built once by the Go client into a cache, one server for a run."""

from __future__ import annotations

import atexit
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

from tests.support import engines, go

USER, PASSWORD = "fengsui-tests", "not-a-secret-of-anybody"
_server: list[Server] = []


def program() -> str:
    return go.program("minio", "github.com/minio/minio@latest")


class Server:
    """``kill`` ends it as a power cut would, ``start`` starts it again on its folder and port."""

    def __init__(self) -> None:
        self._program = program()
        self.folder = Path(tempfile.mkdtemp(prefix="fengsui-minio-"))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        words = [self._program, "server", str(self.folder / "data"), "--address", f"127.0.0.1:{self.port}", "--quiet"]
        environment = os.environ | {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "MINIO_BROWSER": "off"}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(engines.tied(words), stdout=log, stderr=log, env=environment)
        end = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/minio/health/ready", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > end or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.1)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def bucket(self) -> str:
        """The address of a fresh bucket, as ``blobs_url`` takes it; the keys are in the environment."""
        import boto3

        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = USER, PASSWORD
        name = f"test-{secrets.token_hex(6)}"
        client = boto3.client("s3", endpoint_url=self.url, region_name="us-east-1")
        client.create_bucket(Bucket=name)
        client.close()
        return f"s3://{name}/blobs?endpoint={self.url}"


def endpoint() -> str:
    """``http://host:port`` of the server that this run shares; its keys are set for boto3."""
    return _shared().url


def bucket() -> str:
    """The address of a fresh bucket on it, as ``blobs_url`` takes it."""
    return _shared().bucket()


def _shared() -> Server:
    if not _server:
        _server.append(Server())
        atexit.register(_server[0].close)
    return _server[0]
