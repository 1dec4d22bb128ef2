"""A server's certificate that the program itself gave: trusted, though no authority signed it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.connection.certificates import CLIENT_AUTH, SERVER_AUTH, Made
from tests.wire.origins import TEXT, Origin

from tokenwire import ChatClient, LlmTLSError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[[ChatClient], str]


def asked(call: Call, tls: ssl.SSLContext, host: str = "localhost", **settings: Any) -> str:
    """The reply of a server."""
    with Origin(tls=tls) as server:
        base_url = server.base_url.replace("127.0.0.1", host)
        return call(ChatClient("m", base_url=base_url, max_retries=0, **settings))


def refused(tls: ssl.SSLContext, why: str, bundle: Path, host: str = "localhost") -> None:
    """Check that a server is not trusted, and gets nothing."""
    with Origin(tls=tls) as server:
        base_url = server.base_url.replace("127.0.0.1", host)
        chat = ChatClient("m", base_url=base_url, ca_bundle=bundle, max_retries=0)
        with pytest.raises(LlmTLSError, match=why) as raised:
            chat.run("hi")
        assert not raised.value.retryable
        assert server.requests == []


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "places"
    folder.mkdir()
    return {"file": folder / "given.pem", "folder": folder}


NAMES = ("ca_bundle", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.mark.parametrize("place", ["file", "folder"])
@pytest.mark.parametrize("setting", NAMES)
def test_a_certificate_that_is_marked_as_an_authority_is_trusted_if_it_is_given(
    setting: str, place: str, places: dict[str, Path], call: Call, request: pytest.FixtureRequest
) -> None:
    folder = places["folder"].parent
    made = Made(folder)
    places["file"].write_bytes(Made(folder).pem + made.pem)
    if setting == "ca_bundle":
        assert asked(call, made.context(), ca_bundle=places[place]) == TEXT
        return
    request.getfixturevalue("monkeypatch").setenv(setting, str(places[place]))
    assert asked(call, made.context()) == TEXT
    transport = request.getfixturevalue("transport")
    with pytest.raises(LlmTLSError):
        asked(call, made.context(), trust_env=False, transport=transport)


@pytest.mark.parametrize("with_chain", [False, True])
def test_a_certificate_of_an_unknown_authority_is_trusted_if_it_is_given(
    with_chain: bool, tmp_path: Path, call: Call
) -> None:
    # What is wrong with the authority does not matter.
    authority = Made(tmp_path, hosts=(), days=(-9, -2))
    made = Made(tmp_path, issuer=authority, is_ca=False)
    context = made.context(authority) if with_chain else made.context()
    assert asked(call, context, ca_bundle=made.path) == TEXT


def test_it_is_trusted_for_the_purposes_that_it_names(tmp_path: Path, call: Call) -> None:
    for usages, purposes in (
        (("key_cert_sign", "digital_signature"), (CLIENT_AUTH, SERVER_AUTH)),
        (("key_encipherment",), None),
        (None, (SERVER_AUTH,)),
    ):
        made = Made(tmp_path, usages=usages, purposes=purposes)
        assert asked(call, made.context(), ca_bundle=made.path) == TEXT


@pytest.mark.parametrize("signed", [False, True], ids=["authority", "leaf"])
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"days": (-9, -2)}, "has expired"),
        ({"days": (2, 9)}, "is not valid yet"),
        ({"hosts": ("elsewhere.example",)}, "is for another host .it is for elsewhere.example"),
        ({"hosts": ()}, "names no host in its subjectAltName"),
        ({"purposes": (CLIENT_AUTH,)}, "must include serverAuth"),
        ({"usages": ("key_cert_sign", "crl_sign")}, "must include digitalSignature"),
    ],
    ids=["expired", "early", "name", "no-name", "purpose", "usage"],
)
def test_a_given_certificate_is_checked_like_any_other(
    settings: dict[str, Any], why: str, signed: bool, tmp_path: Path
) -> None:
    issuer = Made(tmp_path, hosts=()) if signed else None
    made = Made(tmp_path, issuer=issuer, is_ca=not signed, **settings)
    refused(made.context(), why, made.path)


def test_a_given_certificate_is_not_trusted_for_an_address_that_it_does_not_name(
    tmp_path: Path,
) -> None:
    made = Made(tmp_path)
    refused(made.context(), "is for another host", made.path, host="127.0.0.1")


def test_another_certificate_of_the_same_authority_is_not_trusted(tmp_path: Path) -> None:
    authority = Made(tmp_path, hosts=())
    given, other = (Made(tmp_path, issuer=authority, is_ca=False) for _ in range(2))
    refused(other.context(), "is not signed by a known authority", given.path)
    refused(other.context(authority), "is not signed by a known authority", given.path)


@pytest.mark.parametrize("is_ca", [True, False])
def test_another_certificate_for_the_same_key_is_not_trusted(is_ca: bool, tmp_path: Path) -> None:
    authority = None if is_ca else Made(tmp_path, hosts=())
    given = Made(tmp_path, issuer=authority, is_ca=is_ca)
    other = Made(tmp_path, issuer=authority, is_ca=is_ca, key=given.key)
    why = "is that of an authority" if is_ca else "is not signed by a known authority"
    refused(other.context(), why, given.path)


def test_an_authority_that_is_not_given_is_not_trusted_as_a_server(tmp_path: Path) -> None:
    root = Made(tmp_path, hosts=())
    between = Made(tmp_path, issuer=root)
    refused(between.context(root), "is that of an authority", root.path)


@pytest.mark.parametrize("is_ca", [False, None], ids=["no authority", "no mark"])
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "self-signed"])
def test_what_a_given_server_signed_is_not_trusted(
    signed: bool, is_ca: bool | None, tmp_path: Path
) -> None:
    authority = Made(tmp_path, hosts=()) if signed else None
    given = Made(tmp_path, issuer=authority, is_ca=is_ca)
    other = Made(tmp_path, issuer=given, is_ca=False)
    refused(other.context(), "is not signed by a known authority", given.path)
    why = "is signed by one that is not that of an authority"
    refused(other.context(given), why, given.path)


def test_an_authority_beside_a_given_server_is_trusted(tmp_path: Path, call: Call) -> None:
    root = Made(tmp_path, hosts=())
    given = Made(tmp_path, is_ca=False)
    both = tmp_path / "both.pem"
    both.write_bytes(given.pem + root.pem)
    made = Made(tmp_path, issuer=root, is_ca=False)
    assert asked(call, made.context(), ca_bundle=both) == TEXT
    assert asked(call, given.context(), ca_bundle=both) == TEXT


@pytest.mark.parametrize("usages", [None, ("key_cert_sign",)], ids=["authority", "only the usage"])
def test_what_a_given_authority_signed_is_trusted(
    usages: tuple[str, ...] | None, tmp_path: Path, call: Call
) -> None:
    root = Made(tmp_path, is_ca=None if usages else True, usages=usages)
    made = Made(tmp_path, issuer=root, is_ca=False)
    assert asked(call, made.context(root), ca_bundle=root.path) == TEXT


@pytest.mark.parametrize("name", NAMES)
def test_the_first_setting_that_is_set_wins(
    name: str, places: dict[str, Path], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(places["folder"].parent)
    places["file"].write_bytes(made.pem)
    # Those of OpenSSL are used together.
    after = NAMES[NAMES.index("SSL_CERT_DIR" if name == "SSL_CERT_FILE" else name) + 1 :]
    for other in NAMES[1:]:
        # An empty one is not set.
        monkeypatch.setenv(other, f"{os.sep}nowhere" if other in after else "")
    place = places["folder" if name == "SSL_CERT_DIR" else "file"]
    if name == "ca_bundle":
        assert asked(call, made.context(), ca_bundle=place) == TEXT
        return
    monkeypatch.setenv(name, str(place))
    assert asked(call, made.context()) == TEXT
