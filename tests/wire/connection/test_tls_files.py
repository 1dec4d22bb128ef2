"""Files of certificates and keys: what they may be, and files that do not answer."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.fault.scenes import CtrlC
from tests.wire.origins import HOSTS, TEXT, Origin, tls_of

from tokenwire import (
    ChatClient,
    LlmConfigError,
    LlmConnectTimeoutError,
    LlmDeadlineExceededError,
    Timeout,
)

NOWHERE = "https://127.0.0.1:1/v1"


def client(base_url: str, **settings: Any) -> ChatClient:
    return ChatClient("m", base_url=base_url, max_retries=0, **settings)


@pytest.fixture
def odd(tmp_path, ca):
    """Paths that cannot be used as certificates, and what the error says about each."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    peer = socket.socket(socket.AF_UNIX)
    peer.bind(str(tmp_path / "socket"))
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.write(ca.cert_pem.bytes())
        file.truncate(1 << 40)
    with huge.with_name("empty").open("wb"):
        pass
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    yield {
        fifo: "it is not a regular file",
        Path("/dev/zero"): "it is not a regular file",
        tmp_path / "socket": "it is not a regular file",
        huge: "it has over 16 MiB",
        tmp_path / "empty": "it has no certificate in PEM form",
        tmp_path / "missing": "No such file or directory",
        fifo / "below": "Not a directory",
        loop: "symbolic links",
    }
    peer.close()


@pytest.fixture
def mine(roots, ca):
    """A client's certificate and its key."""
    path = roots.with_name("mine.pem")
    ca.issue_cert("me").private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.mark.parametrize(
    "setting",
    ["ca_bundle", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "client_cert", "key"],
)
def test_what_is_no_usable_file_is_refused_at_once_and_named(setting, odd, mine, monkeypatch):
    for path, why in odd.items():
        settings: dict[str, Any] = {}
        shown = setting
        if setting == "client_cert":
            settings = {"client_cert": (path, mine)}
        elif setting == "key":
            shown = "client_cert"
            settings = {"client_cert": (mine, path)}
        elif setting == "ca_bundle":
            settings = {"ca_bundle": path}
        else:
            monkeypatch.setenv(setting, str(path))
        with pytest.raises(LlmConfigError) as raised:
            client(NOWHERE, **settings).run("hi")
        text = str(raised.value)
        assert text.startswith(f"cannot use {shown} {path}: ")
        assert why in text or (setting == "key" and path.name == "empty")
        assert "\n" not in text


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ('"{}"', "in quotes"),
        ("'{}'", "in quotes"),
        (" {}", "a space or a line end around it"),
        ("{}\r", "a space or a line end around it"),
    ],
)
def test_a_value_that_a_shell_did_not_clean_is_told(variable, value, why, roots, monkeypatch):
    path = roots if variable == "SSL_CERT_FILE" else roots.parent
    monkeypatch.setenv(variable, value.format(path))
    with pytest.raises(LlmConfigError, match=f"^cannot use {variable} .*{why}"):
        client(NOWHERE).run("hi")


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_a_byte_order_mark_hides_no_root_of_the_environment(
    variable, roots, server_tls, call, monkeypatch
):
    roots.write_bytes(MARK + roots.read_bytes())
    monkeypatch.setenv(variable, str(roots.parent if variable == "SSL_CERT_DIR" else roots))
    with Origin(tls=server_tls) as server:
        assert call(client(server.base_url)) == TEXT


@pytest.mark.parametrize("where", ["first", "middle"])
def test_a_byte_order_mark_hides_no_root(where, ca, tmp_path, server_tls, call):
    root, other = ca.cert_pem.bytes(), trustme.CA().cert_pem.bytes()
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(MARK + root + other if where == "first" else other + MARK + root)
    with Origin(tls=server_tls) as server:
        assert call(client(server.base_url, ca_bundle=bundle)) == TEXT


def test_a_byte_order_mark_hides_no_client_certificate(ca, mine, roots, call):
    mine.write_bytes(MARK + mine.read_bytes())
    context = tls_of(ca.issue_cert(*HOSTS))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    with Origin(tls=context) as server:
        assert call(client(server.base_url, ca_bundle=roots, client_cert=mine)) == TEXT
        assert server.seen[0].certificate


def test_a_key_of_another_certificate_is_told_in_plain_words(ca, mine, tmp_path):
    other = tmp_path / "other.pem"
    ca.issue_cert("you").private_key_pem.write_to_path(other)
    with pytest.raises(LlmConfigError, match="the key is that of another certificate"):
        client(NOWHERE, client_cert=(mine, other)).run("hi")
    other.write_bytes(ca.cert_pem.bytes())
    with pytest.raises(LlmConfigError, match="it has no private key in PEM form"):
        client(NOWHERE, client_cert=(mine, other)).run("hi")


@pytest.mark.parametrize("as_pair", [True, False])
def test_a_directory_is_no_client_certificate(tmp_path, as_pair):
    given = (tmp_path, tmp_path) if as_pair else tmp_path
    with pytest.raises(LlmConfigError, match=f"client_cert {tmp_path}: it is a directory"):
        client(NOWHERE, client_cert=given).run("hi")


def test_a_directory_of_roots_may_hold_anything_else_too(roots, server_tls, call):
    folder = roots.parent
    os.mkfifo(folder / "fifo")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "gone").symlink_to("nowhere")
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with Origin(tls=server_tls) as server:
        assert call(client(server.base_url, ca_bundle=folder)) == TEXT


def test_a_file_that_was_mended_is_read_by_the_next_call(roots, server_tls, call):
    good = roots.read_bytes()
    with Origin(tls=server_tls) as server:
        chat = client(server.base_url, ca_bundle=roots)
        # It is being written.
        roots.write_bytes(good[:-40])
        with pytest.raises(LlmConfigError, match=f"cannot use ca_bundle {roots}: "):
            call(chat)
        roots.write_bytes(good)
        assert call(chat) == TEXT
        # What was read once is kept.
        roots.unlink()
        assert call(chat) == TEXT


HOLDER = """
import fcntl, os, signal, sys
# Whoever opens the file waits until this process gives up its lease.
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
sys.stdin.read()
"""


class Held:
    """A file that cannot be opened until the end of the block, as on a drive that is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "held\n":
            self.__exit__()
            pytest.skip("no leases on this file system")

    def __exit__(self, *_: object) -> None:
        self._holder.communicate("")


@pytest.fixture(params=["file", "directory", "client_cert"])
def slow(request, roots, mine):
    """A file that a client needs, and the settings that name it."""
    if request.param == "file":
        return roots, {"ca_bundle": roots}, f"ca_bundle {roots}"
    if request.param == "directory":
        return roots, {"ca_bundle": roots.parent}, f"ca_bundle {roots.parent}"
    shown = f"ca_bundle {roots}, client_cert {mine}"
    return mine, {"ca_bundle": roots, "client_cert": mine}, shown


@pytest.mark.linux
def test_a_file_that_does_not_answer_ends_a_call_at_its_limits(slow, server_tls, call):
    path, settings, shown = slow
    with Origin(tls=server_tls) as server:
        chat = client(server.base_url, **settings)
        with Held(path):
            for limits, kind, name in (
                (Timeout(connect=0.2), LlmConnectTimeoutError, "connect"),
                (Timeout(total=0.2), LlmDeadlineExceededError, "total"),
            ):
                with pytest.raises(kind) as raised:
                    call(chat.with_options(timeout=limits))
                error = raised.value
                assert f"`{name}` timeout" in str(error)
                assert f"{shown} could not be read" in str(error)
                assert (error.phase, error.attempts[0].maybe_processed) == ("connect", False)
            assert not server.seen
        # The file answers again.
        assert call(chat) == TEXT


@pytest.mark.linux
def test_a_file_that_does_not_answer_delays_no_other_call(roots, server_tls):
    other = roots.with_name("other.pem")
    other.write_bytes(roots.read_bytes())

    async def both() -> list[str]:
        needy = client(secure.base_url, ca_bundle=roots, timeout=20)
        with Held(roots):
            waiting = [asyncio.create_task(needy.run_async("hi")) for _ in range(100)]
            quick = client(secure.base_url, ca_bundle=other, timeout=5)
            got = [
                await client(plain.base_url, timeout=5).run_async("hi"),
                await quick.run_async("hi"),
                await asyncio.to_thread(quick.run, "hi"),
            ]
            cancelled, *waiting = waiting
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert not any(task.done() for task in waiting)
        return got + await asyncio.gather(*waiting)

    with Origin() as plain, Origin(tls=server_tls) as secure:
        assert asyncio.run(both()) == [TEXT] * 102


@pytest.mark.linux
def test_ctrl_c_ends_the_wait_for_a_file_that_does_not_answer(roots):
    chat = client(NOWHERE, ca_bundle=roots, timeout=60)
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        chat.run("hi")

    began = time.monotonic()
    with Held(roots), pytest.raises(KeyboardInterrupt), CtrlC(asked.wait):
        ask()
    assert time.monotonic() - began < 30


@pytest.mark.linux
def test_the_doctor_names_a_file_that_is_no_file(odd, command, monkeypatch):
    fifo = next(iter(odd))
    monkeypatch.setenv("SSL_CERT_FILE", str(fifo))
    code, out, _ = command("doctor")
    assert code == 1
    assert f"cannot use SSL_CERT_FILE {fifo}: it is not a regular file" in out
