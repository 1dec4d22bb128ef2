"""Client keys that are encrypted: which are read, and what the error says about the others."""

from __future__ import annotations

import logging
import pickle
import re
import shutil
import ssl
import subprocess
import time
import traceback
from base64 import encodebytes
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.wire.connection.certificates import der, integer
from tests.wire.origins import HOSTS, TEXT, Origin, tls_of

from tokenwire import ChatClient, LlmConfigError, LlmConnectError, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import trustme

NOWHERE = "https://127.0.0.1:1/v1"
PASSWORD = "hünter2-canary"


def client(base_url: str, **settings: Any) -> ChatClient:
    return ChatClient("m", base_url=base_url, max_retries=0, **settings)


def openssl(*words: object) -> None:
    found = shutil.which("openssl")
    if found is None:
        pytest.skip("there is no openssl command")
    done = subprocess.run([found, *map(str, words)], capture_output=True, text=True, check=False)
    if "unknown option" in done.stderr.lower():
        pytest.skip("this openssl is too old")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def mine(roots: Path, ca: trustme.CA) -> Path:
    """A client's certificate and its key, which is not encrypted."""
    path = roots.with_name("mine.pem")
    ca.issue_cert("me.example").private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.fixture
def mutual(ca: trustme.CA) -> ssl.SSLContext:
    """The context of a server that requires a certificate."""
    context = tls_of(ca.issue_cert(*HOSTS))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    return context


def encrypted(mine: Path, *words: str) -> Path:
    """The key of a certificate, encrypted by openssl."""
    key = mine.with_name("key.pem")
    line = ("pkcs8", "-topk8", "-in", mine, "-out", key, "-passout", f"pass:{PASSWORD}")
    openssl(*line, *words)
    return key


def why_not(*given: Any) -> str:
    """What the error says about a client certificate."""
    with pytest.raises(LlmConfigError) as raised:
        client(NOWHERE, client_cert=given).run("hi")
    text = str(raised.value)
    assert "\n" not in text
    shown = "".join(traceback.format_exception(raised.value))
    assert "canary" not in shown
    return text


NEW = {
    "default": (),
    "aes-128": ("-v2", "aes-128-cbc"),
    "aes-192": ("-v2", "aes-192-cbc"),
    "sha-512": ("-v2prf", "hmacWithSHA512"),
    "iterations": ("-iter", "100000"),
    "scrypt": ("-scrypt",),
}


@pytest.mark.parametrize("words", NEW.values(), ids=NEW.keys())
def test_an_encrypted_key_is_read(
    words: tuple[str, ...], mine: Path, mutual: ssl.SSLContext, roots: Path
) -> None:
    key = encrypted(mine, *words)
    with Origin(tls=mutual) as server:
        settings = {"ca_bundle": roots, "client_cert": (mine, key, PASSWORD)}
        assert client(server.base_url, **settings).run("hi") == TEXT
        assert server.seen[0].certificate


def test_certificate_and_encrypted_key_may_be_in_one_file(
    mine: Path, mutual: ssl.SSLContext, roots: Path, call: Callable[[ChatClient], str]
) -> None:
    both = mine.with_name("both.pem")
    certificate = mine.read_bytes()
    both.write_bytes(certificate[certificate.index(b"-----BEGIN CERT") :])
    with both.open("ab") as file:
        # As `openssl pkcs12` writes it, and with a byte order mark.
        key = encrypted(mine).read_bytes()
        file.write(b"\xef\xbb\xbfBag Attributes: <No Attributes>\n" + key.replace(b"\n", b"\r\n"))
    with Origin(tls=mutual) as server:
        settings = {"ca_bundle": roots, "client_cert": [str(both), None, PASSWORD]}
        assert call(client(server.base_url, **settings)) == TEXT


def test_what_is_wrong_with_a_password_is_said(mine: Path) -> None:
    key = encrypted(mine)
    assert why_not(mine, key) == (
        f"cannot use client_cert {key}: its private key is encrypted: give its password, "
        "as in client_cert=(certificate, key, password)"
    )
    assert why_not(mine, key, None) == why_not(mine, key)
    wrong = f"cannot use client_cert {key}: its private key cannot be decrypted: check the password"
    for number in range(3):
        assert why_not(mine, key, f"canary-{number}").startswith(wrong)
    assert why_not(mine, mine, "canary") == (
        f"cannot use client_cert {mine}: its private key is not encrypted: "
        "leave the password out of client_cert"
    )


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "client_cert: the password is empty; leave it out if the key has none"),
        (b"canary", "client_cert: give the password of the key as a str"),
        (lambda: "canary", "client_cert: give the password of the key as a str"),
    ],
)
def test_what_is_no_password_is_refused_by_the_constructor(password: object, why: str) -> None:
    with pytest.raises(LlmConfigError, match=f"^{re.escape(why)}$"):
        client(NOWHERE, client_cert=("a", "b", password))
    with pytest.raises(LlmConfigError, match=r"or \(certificate file, key file, password\)$"):
        client(NOWHERE, client_cert=("a", "b", "c", "canary"))


OLD = {
    "traditional": ("ec", "-aes128"),
    "pbes1": ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"),
    "3des": ("pkcs8", "-topk8", "-v2", "des3"),
    "sha-1": ("pkcs8", "-topk8", "-v2prf", "hmacWithSHA1"),
}


@pytest.mark.parametrize("words", OLD.values(), ids=OLD.keys())
def test_an_older_form_is_converted_by_the_line_that_is_named(
    words: tuple[str, ...], mine: Path, mutual: ssl.SSLContext, roots: Path
) -> None:
    key, new = mine.with_name("key.pem"), mine.with_name("new.pem")
    openssl(*words, "-in", mine, "-out", key, "-passout", f"pass:{PASSWORD}")
    line = f"openssl pkcs8 -topk8 -in {key} -out FILE"
    for password in (None, "wrong-canary", PASSWORD):
        text = why_not(mine, key, password)
        assert f"cannot use client_cert {key}: its private key is encrypted in a form" in text
        assert f"`{line}`" in text
    _, *converting = line.replace("FILE", str(new)).split()
    openssl(*converting, "-passin", f"pass:{PASSWORD}", "-passout", f"pass:{PASSWORD}")
    with Origin(tls=mutual) as server:
        settings = {"ca_bundle": roots, "client_cert": (mine, new, PASSWORD)}
        assert client(server.base_url, **settings).run("hi") == TEXT


def hostile(kdf: bytes) -> bytes:
    """An encrypted key, the function of whose password is this one."""
    aes = der(6, bytes.fromhex("60864801650304012a"))
    cipher = der(0x30, aes, der(4, bytes(16)))
    pbes2 = der(6, bytes.fromhex("2a864886f70d01050d"))
    info = der(0x30, der(0x30, pbes2, der(0x30, kdf, cipher)), der(4, bytes(48)))
    return b"".join(
        b"-----%s ENCRYPTED PRIVATE KEY-----\n%s" % (part, encodebytes(info) if text else b"")
        for part, text in ((b"BEGIN", True), (b"END", False))
    )


def pbkdf2(iterations: int) -> bytes:
    sha256 = der(0x30, der(6, bytes.fromhex("2a864886f70d0209")), der(5))
    parameters = der(0x30, der(4, bytes(8)), integer(iterations), sha256)
    return der(0x30, der(6, bytes.fromhex("2a864886f70d01050c")), parameters)


def scrypt(cost: int, block: int, parallel: int) -> bytes:
    parameters = (der(4, bytes(8)), integer(cost), integer(block), integer(parallel))
    return der(0x30, der(6, bytes.fromhex("2b06010401da47040b")), der(0x30, *parameters))


@pytest.mark.parametrize(
    ("kdf", "why"),
    [
        (pbkdf2(5_000_001), "takes too much work"),
        (pbkdf2((1 << 31) - 1), "takes too much work"),
        (pbkdf2(1 << 31), "takes too much work"),
        (pbkdf2(1 << 40), "in a form that is not supported"),
        (scrypt(1 << 30, 8, 1), "takes too much work"),
        (scrypt(1 << 14, 8, 1 << 10), "takes too much work"),
        (scrypt(1 << 63, 1 << 15, 1 << 15), "takes too much work"),
        (scrypt(1 << 14, 1 << 14, 1), "takes too much work"),
        # What is right but for its data, to show that the other ones are refused for their work.
        (pbkdf2(2048), "check the password"),
        (scrypt(1 << 14, 8, 1), "check the password"),
    ],
)
def test_a_file_that_asks_for_endless_work_ends_no_call_late(
    kdf: bytes, why: str, mine: Path
) -> None:
    key = mine.with_name("hostile.pem")
    key.write_bytes(hostile(kdf))
    began = time.monotonic()
    assert why in why_not(mine, key, "canary")
    assert time.monotonic() - began < 20


def test_a_torn_or_strange_key_is_said_to_be_so(mine: Path) -> None:
    key = encrypted(mine)
    whole = key.read_bytes()
    for content, why in (
        (whole[:-40], "it ends before the line -----END ENCRYPTED PRIVATE KEY-----"),
        (whole.replace(b"\nM", b"\n!", 1), "it is damaged: there is no base64"),
        (whole[: len(whole) // 2] + whole[whole.index(b"-----END") :], ""),
        (re.sub(rb"(?s)-----\n.*\n-----", b"-----\nMAA=\n-----", whole), "in a form that is not"),
    ):
        key.write_bytes(content)
        assert why in why_not(mine, key, PASSWORD)


def test_a_key_of_p_521_is_refused_in_plain_words(mine: Path) -> None:
    made = ec.generate_private_key(ec.SECP521R1())
    key = mine.with_name("p521.pem")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    key.write_bytes(made.private_bytes(*form, serialization.NoEncryption()))
    assert "is of a kind that is not supported, such as P-521" in why_not(mine, key)
    key.write_bytes(made.private_bytes(*form, serialization.BestAvailableEncryption(b"canary")))
    assert "is of a kind that is not supported, such as P-521" in why_not(mine, key, "canary")


def test_the_password_is_shown_nowhere(
    mine: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    key = encrypted(mine)
    chat = client(NOWHERE, client_cert=(mine, key, PASSWORD))
    derived = chat.with_options(client_cert=(mine, key, PASSWORD), timeout=Timeout(connect=5))
    for one in (chat, derived):
        assert "canary" not in repr(one) + repr(vars(one))
        with pytest.raises(LlmConnectError) as lost:
            one.run("hi")
        summary = traceback.TracebackException.from_exception(lost.value, capture_locals=True)
        assert not any("canary" in line for line in summary.format())
    with pytest.raises(LlmConfigError) as raised:
        client(NOWHERE, client_cert=(mine, key, "canary", "canary"))
    summary = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    # The line of this test has it.
    frames = [line for line in summary.format() if "test_tls_keys.py" not in line]
    assert len(frames) > 2
    assert not any("canary" in line for line in frames)
    assert "canary" not in caplog.text
    out, err = capfd.readouterr()
    assert "canary" not in out + err


def test_a_pickle_leaves_the_password_out_and_the_client_says_so(
    mine: Path, mutual: ssl.SSLContext, roots: Path
) -> None:
    given = (mine, encrypted(mine), PASSWORD)
    with Origin(tls=mutual) as server:
        chat = client(server.base_url, ca_bundle=roots, client_cert=given)
        pickled = pickle.dumps(chat)
        assert b"canary" not in pickled
        copy = pickle.loads(pickled)
        with pytest.raises(LlmConfigError, match=r"^client_cert \(its password\): the pickle"):
            copy.run("hi")
        assert copy.with_options(client_cert=given).run("hi") == TEXT
        # Without a password there is nothing to leave out.
        plain = client(server.base_url, ca_bundle=roots, client_cert=(mine, mine))
        assert pickle.loads(pickle.dumps(plain)).run("hi") == TEXT


def test_clients_of_different_passwords_share_nothing(
    mine: Path, mutual: ssl.SSLContext, roots: Path
) -> None:
    key = encrypted(mine)
    with Origin(tls=mutual) as server:
        settings: dict[str, Any] = {"base_url": server.base_url, "ca_bundle": roots}
        assert client(client_cert=(mine, key, PASSWORD), **settings).run("hi") == TEXT
        with pytest.raises(LlmConfigError, match="check the password"):
            client(client_cert=(mine, key, "another"), **settings).run("hi")
