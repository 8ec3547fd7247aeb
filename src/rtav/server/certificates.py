"""A certificate of our own for https, where the operator names none.

Browsers give the microphone to https pages only (and to this machine's own address), so a server
that is reached from another machine needs one at once. Browsers warn about it once per visitor.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rtav.errors import ConfigError

LIFE = timedelta(days=397)  # browsers refuse server certificates of more than 398 days
RENEWAL = timedelta(days=30)  # before the end
CLOCK_SKEW = timedelta(hours=1)  # a visitor's clock may be behind ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    cert: Path
    key: Path


def own_names() -> tuple[str, ...]:
    """Under what this machine may be reached: its name, `localhost`, every address."""
    addresses = [
        str(ip.ip if ip.is_IPv4 else ip.ip[0]).partition("%")[0]
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
    named = ["localhost", socket.gethostname(), "127.0.0.1", "::1", *addresses]
    return tuple(dict.fromkeys(name for name in named if name))


def self_signed(folder: Path, names: Sequence[str], *, now: datetime) -> Certificate:
    """The certificate in `folder`, made anew if it does not name all of `names` or ends soon.

    Raises ConfigError if the folder cannot be written.
    """
    kept = Certificate(cert=folder / "tls.crt", key=folder / "tls.key")
    try:
        if not _is_good(kept, names, now):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(kept, names, now)
    except OSError as error:
        message = f"no certificate can be kept in {folder}: {error.strerror}; set RTAV_STATE_DIR"
        raise ConfigError("state_dir", message) from None
    return kept


def _is_good(kept: Certificate, names: Sequence[str], now: datetime) -> bool:
    try:
        cert = x509.load_pem_x509_certificate(kept.cert.read_bytes())
        key = serialization.load_pem_private_key(kept.key.read_bytes(), password=None)
        stated = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return False
    is_pair = cert.public_key() == key.public_key()
    return (
        is_pair
        and set(_general(names)) <= set(stated)
        and (cert.not_valid_after_utc - now > RENEWAL)
    )


def _make(kept: Certificate, names: Sequence[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rtav, self-signed")])
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now - CLOCK_SKEW + LIFE)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(
        kept.key,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(kept.cert, cert.public_bytes(serialization.Encoding.PEM))


def _general(names: Iterable[str]) -> list[x509.GeneralName]:
    return [_address(name) or x509.DNSName(_ascii(name)) for name in names]


def _address(name: str) -> x509.IPAddress | None:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return None


def _ascii(name: str) -> str:
    return name.encode("idna").decode("ascii")


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by the owner only."""
    draft = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
