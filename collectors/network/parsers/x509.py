"""What a row tells of a server's certificate."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

_SHORT = {"1.2.840.113549.1.9.1": "emailAddress", "2.5.4.5": "serialNumber", "2.5.4.17": "postalCode",
          "2.5.4.15": "businessCategory", "2.5.4.12": "title", "2.5.4.4": "SN", "2.5.4.42": "GN"}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def columns(der: bytes) -> dict[str, Any]:
    """Columns of a ``tls`` row from a certificate; only its hash if it does not parse."""
    out: dict[str, Any] = {"cert_sha256": hashlib.sha256(der).hexdigest()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out |= _parsed(der)
    return out


def _parsed(der: bytes) -> dict[str, Any]:
    from cryptography import x509  # imported late: only captures with TLS need it

    out: dict[str, Any] = {}
    try:
        cert = x509.load_der_x509_certificate(der)
        short = {x509.ObjectIdentifier(oid): name for oid, name in _SHORT.items()}
        out["subject"] = cert.subject.rfc4514_string(short)
        out["issuer"] = cert.issuer.rfc4514_string(short)
        out["self_signed"] = cert.subject.public_bytes() == cert.issuer.public_bytes()
        out["not_before"] = (cert.not_valid_before_utc - _EPOCH) // timedelta(microseconds=1)
        out["not_after"] = (cert.not_valid_after_utc - _EPOCH) // timedelta(microseconds=1)
        out["san"] = _names(cert)
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        pass  # certificates of the wild break the rules; what was read before the fault is kept
    return out


def _names(cert: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    plain = (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier, x509.IPAddress)
    return [str(n.value) for n in names if isinstance(n, plain)]
