"""The station's own certificate: self-signed, renewed before it ends, indifferent to a wrong clock.

A board without a battery clock makes its certificate in 1970. So it is valid from the beginning of
Unix time on, ends ten years after the later of "now" and this program, and its end is only judged by
a clock that can be right. A renewal keeps the key. Clients that trust the station by its certificate
have to be told once in ten years.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.upstream.files import replace_file

KEY_FILE = "door.key.pem"
CERTIFICATE_FILE = "door.certificate.der"

DAY_S = 86400.0
_VALID_S = 3653 * DAY_S
_RENEWED_BEFORE_S = 60 * DAY_S
# 2026-01-01: a clock that says less has never been set.
_WRITTEN = 1_767_225_600.0


@dataclass(frozen=True)
class Identity:
    """A key and the certificate that goes with it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate as it travels."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The private key, for the service's own file."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def application_uri(station_name: str) -> str:
    """The station's name among OPC UA applications; ASCII only, as a certificate wants it."""
    return f"urn:heat-station:station:{quote(station_name, safe='')}"


def ensure(directory: Path, uri: str, hosts: tuple[str, ...], wall: float) -> Identity:
    """The identity kept in `directory`, made or renewed where that is due. `wall` in Unix seconds.

    OSError when the directory cannot be written. A file that is no key or certificate is replaced.
    """
    key = _load_key(directory / KEY_FILE)
    certificate = _load_certificate(directory / CERTIFICATE_FILE)
    if (
        key is not None
        and certificate is not None
        and certificate.public_key() == key.public_key()
        and not ends_soon(certificate, wall)
        and _uris(certificate) == [uri]
    ):
        return Identity(key, certificate)
    identity = make(uri, hosts, wall, key)
    replace_file(directory / KEY_FILE, identity.key_pem, 0o600)
    replace_file(directory / CERTIFICATE_FILE, identity.der, 0o644)
    return identity


def ends_soon(certificate: x509.Certificate, wall: float) -> bool:
    """True when a clock that can be right says that less than 60 days are left."""
    end = certificate.not_valid_after_utc.timestamp()
    return wall >= _WRITTEN and wall > end - _RENEWED_BEFORE_S


def make(uri: str, hosts: tuple[str, ...], wall: float, key: rsa.RSAPrivateKey | None = None) -> Identity:
    """A fresh certificate for `uri` on `hosts` (names and addresses), with a new key if none is given."""
    if key is None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri[:64])])
    end = max(wall, _WRITTEN) + _VALID_S
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    names = [x509.UniformResourceIdentifier(uri), *(_general_name(host) for host in dict.fromkeys(hosts))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime.fromtimestamp(end, datetime.UTC))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            # OPC 10000-6 §6.2.2; certificate signing because it signs itself.
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=True,
                data_encipherment=True,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=False,
        )
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(key, certificate)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode("ascii"))


def _load_key(path: Path) -> rsa.RSAPrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return key if isinstance(key, rsa.RSAPrivateKey) else None


def _load_certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
