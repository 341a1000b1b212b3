"""A certificate authority and a server certificate for this machine alone."""

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crmlink_salesforce_sim.errors import StartError

DAYS = 365
_SIGNING = {"digital_signature": True, "content_commitment": False, "key_encipherment": False}
_SIGNING |= {"data_encipherment": False, "key_agreement": False}
_SIGNING |= {"encipher_only": False, "decipher_only": False}


@dataclass(frozen=True)
class Files:
    """Where the certificates are."""

    ca: Path
    certificate: Path
    key: Path


def certificates(folder: Path, now: dt.datetime) -> Files:
    """Return the certificates in the folder, made anew when missing or about to end."""
    files = Files(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not all(p.exists() for p in (files.ca, files.certificate, files.key)) or _old(
            files, now
        ):
            _make(files, now)
    except OSError as exc:
        told = f"The folder {folder} cannot take certificates ({exc.strerror}); give another --tls."
        raise StartError(told) from exc
    return files


def _old(files: Files, now: dt.datetime) -> bool:
    found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return found.not_valid_after_utc < now + dt.timedelta(days=1)


def _make(files: Files, now: dt.datetime) -> None:
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = _name("Practice org authority")
    known = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    ca = (
        _builder(issuer, issuer, authority.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**_SIGNING, key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(known, critical=False)
        .sign(authority, hashes.SHA256())
    )
    loopback = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.IPAddress(IPv6Address("::1"))]
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *loopback])
    server = (
        _builder(_name("localhost"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(**_SIGNING, key_cert_sign=False, crl_sign=False), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known), critical=False
        )
        .add_extension(names, critical=False)
        .sign(authority, hashes.SHA256())
    )
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    files.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=DAYS))
    )
