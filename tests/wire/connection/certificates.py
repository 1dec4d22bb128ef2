"""Certificates and keys that trustme does not make."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(timezone.utc)
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class Made:
    """A certificate and its key, in a file each.

    Args:
        folder: Where the files are written.
        issuer: Who signs it; itself by default.
        hosts: Its DNS names.
        is_ca: What its basic constraints say; None leaves them out.
        days: From when to when it is valid, in days from now.
        usages: Its key usage; None leaves it out.
        purposes: Its extended key usage; None leaves it out.
        key: Its key.
    """

    _count = 0

    def __init__(
        self,
        folder: Path,
        *,
        issuer: Made | None = None,
        hosts: tuple[str, ...] = ("localhost",),
        is_ca: bool | None = True,
        days: tuple[int, int] = (-1, 9),
        usages: tuple[str, ...] | None = None,
        purposes: tuple[x509.ObjectIdentifier, ...] | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        Made._count += 1
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        if issuer is None and is_ca is False:
            self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"me {Made._count}")])
        if issuer is not None:
            self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"leaf {Made._count}")])
        builder = x509.CertificateBuilder(
            issuer_name=(issuer or self).name,
            subject_name=self.name,
            public_key=self.key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=NOW + timedelta(days[0]),
            not_valid_after=NOW + timedelta(days[1]),
        )
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        if is_ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        if usages is not None:
            usage = x509.KeyUsage(**{name: name in usages for name in _USAGES})
            builder = builder.add_extension(usage, critical=True)
        if purposes is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.path = folder / f"made{Made._count}.pem"
        self.path.write_bytes(self.pem)
        self.key_path = folder / f"made{Made._count}.key"
        self.key_path.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def context(self, *above: Made) -> ssl.SSLContext:
        """The TLS context of a server that shows it, and the certificates above it."""
        chain = self.path.with_suffix(".chain")
        chain.write_bytes(b"".join(made.pem for made in (self, *above)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, self.key_path)
        return context


def der(tag: int, *parts: bytes) -> bytes:
    """A value in DER (ITU-T X.690)."""
    body = b"".join(parts)
    length = len(body)
    if length < 128:
        return bytes([tag, length]) + body
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(size)]) + size + body


def integer(value: int) -> bytes:
    """An integer in DER."""
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))
