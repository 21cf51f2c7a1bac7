"""Blobs in an S3-compatible store: one object for each SHA-256, put only where none is."""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from fengsui.blobs import checked, part_of
from fengsui.errors import BadSetting, Retry, UsageError

PART = 8 << 20
"""Bytes of a part; what is larger goes in several."""
_THERE, _ABSENT = (409, 412), 404


class S3Blobs:
    """``url``: ``s3://bucket/prefix?endpoint=https://host:port&region=…``; keys come from where boto3 looks for them.

    Raises BadSetting for an address that is none, or without the extra ``large``.
    """

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        how = {k: v[-1] for k, v in parse_qs(place.query).items()}
        if place.scheme != "s3" or not place.netloc or set(how) - {"endpoint", "region"}:
            raise BadSetting("blobs_url: expected s3://bucket/prefix?endpoint=https://host:port")
        try:
            import boto3
            from botocore.config import Config
        except ModuleNotFoundError as e:
            raise BadSetting("blobs_url: S3 needs the extra `large`") from e
        config = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
        self._bucket, self._prefix = place.netloc, place.path.strip("/")
        self._s3: Any = boto3.client("s3", endpoint_url=how.get("endpoint"), region_name=how.get("region", "us-east-1"),
                                     config=config)  # fmt: skip

    def _key(self, sha256: str) -> str:
        checked(sha256)
        return f"{self._prefix}/{sha256[:2]}/{sha256}".lstrip("/")

    def put(self, sha256: str, content: bytes) -> None:
        where = {"Bucket": self._bucket, "Key": self._key(sha256)}
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"the content is not that of {sha256}")
        if len(content) > PART:
            parts = (content[start : start + PART] for start in range(0, len(content), PART))
            _asked(lambda: self._put_parts(where, parts), there=_THERE)
        else:
            _asked(lambda: self._s3.put_object(**where, Body=content, IfNoneMatch="*"), there=_THERE)

    def _put_parts(self, where: dict[str, str], bodies: Iterable[bytes]) -> None:
        upload = self._s3.create_multipart_upload(**where)["UploadId"]
        try:
            parts = []
            for n, body in enumerate(bodies, 1):
                said = self._s3.upload_part(**where, UploadId=upload, PartNumber=n, Body=body)
                parts.append({"PartNumber": n, "ETag": said["ETag"]})
            self._s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts},
                                               IfNoneMatch="*")  # fmt: skip
        except BaseException:
            self._s3.abort_multipart_upload(**where, UploadId=upload)  # else its parts stay, unseen, for ever
            raise

    def put_file(self, sha256: str, path: Path) -> None:
        with path.open("rb") as f:
            if hashlib.file_digest(f, "sha256").hexdigest() != sha256:
                raise ValueError(f"the content is not that of {sha256}")
            f.seek(0)
            where = {"Bucket": self._bucket, "Key": self._key(sha256)}
            if path.stat().st_size > PART:
                _asked(lambda: self._put_parts(where, iter(lambda: f.read(PART), b"")), there=_THERE)
            else:
                _asked(lambda: self._s3.put_object(**where, Body=f.read(), IfNoneMatch="*"), there=_THERE)

    def open(self, sha256: str) -> BinaryIO | None:
        where = {"Bucket": self._bucket, "Key": self._key(sha256)}
        found = _asked(lambda: self._s3.get_object(**where), there=(_ABSENT,))
        if found is None:
            return None
        out = tempfile.TemporaryFile()  # noqa: SIM115 without a name, and closed by who asked for it
        for part in _asked(lambda: found["Body"].iter_chunks(PART), there=()):
            out.write(part)
        out.seek(0)
        return out

    def within(self, name: str) -> S3Blobs:
        inner = copy.copy(self)
        inner._prefix = f"{self._prefix}/{part_of(name)}".lstrip("/")
        return inner

    def get(self, sha256: str) -> bytes | None:
        where = {"Bucket": self._bucket, "Key": self._key(sha256)}
        found = _asked(lambda: self._s3.get_object(**where), there=(_ABSENT,))
        return None if found is None else bytes(_asked(found["Body"].read, there=()))

    def delete(self, sha256: str) -> None:
        where = {"Bucket": self._bucket, "Key": self._key(sha256)}
        _asked(lambda: self._s3.delete_object(**where), there=(_ABSENT,))


def _asked(do: Callable[[], Any], *, there: tuple[int, ...]) -> Any:
    """Do it; None where the answer is a status of ``there``: the object is there, or is not, as was wanted."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        return do()
    except NoCredentialsError as e:
        raise UsageError("blobs_url: no keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from e
    except ClientError as e:
        status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        code = e.response["Error"].get("Code", "")
        if code == "NoSuchBucket" or status in (401, 403):
            raise UsageError(f"blobs_url: {code}: {e.response['Error'].get('Message', '')}") from e
        if status in there:
            return None
        raise Retry(f"the blob store refused it: {e}") from e
    except BotoCoreError as e:
        raise Retry(f"the blob store does not answer: {e}") from e
