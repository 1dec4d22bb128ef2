"""Transports for httpx and httpx2: what the engine is given, what is refused, and errors."""

from __future__ import annotations

import importlib
import pickle
import ssl
from pathlib import Path
from typing import Any

import pytest

import tokenwire as tw
from tokenwire.errors import KINDS, LlmError
from tokenwire.httpx_transport import options
from tokenwire.httpx_transport.address import address_of
from tokenwire.httpx_transport.failures import name_of, raised_by
from tokenwire.httpx_transport.patches import Methods

PASSWORD = "hunter2"


@pytest.fixture(params=["httpx", "httpx2"])
def module(request: pytest.FixtureRequest) -> Any:
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return importlib.import_module(request.param)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the rows below name."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.pem", "both.pem", "c.pem", "k.pem"):
        Path(name).touch()


NO_OTHERS: dict[str, Any] = {
    "http1": True,
    "http2": False,
    "local_address": None,
    "retries": 0,
    "socket_options": None,
}


def test_the_defaults_of_the_family_are_taken():
    options.refuse_others(**NO_OTHERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http1", False),
        ("http2", True),
        ("local_address", "127.0.0.1"),
        ("retries", 1),
        ("socket_options", []),
    ],
)
def test_what_the_engine_does_not_have_is_refused_by_name(name, value):
    with pytest.raises(tw.LlmConfigError, match=f"^{name}[=:]"):
        options.refuse_others(**{**NO_OTHERS, name: value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, None), ("a.pem", "a.pem"), (Path("a.pem"), "a.pem")],
)
@pytest.mark.usefixtures("files")
def test_verify_is_true_or_a_path(value, expected):
    assert options.ca_bundle(value) == expected


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        (False, "give the path of the server's own certificate"),
        (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "give the path of its root certificates"),
        (None, "give True or the path of a PEM file, not NoneType"),
    ],
)
def test_another_verify_is_refused_with_what_to_use(value, fix):
    with pytest.raises(tw.LlmConfigError, match=f"^verify: .*{fix}"):
        options.ca_bundle(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("both.pem", ("both.pem", None, None)),
        (Path("both.pem"), ("both.pem", None, None)),
        (("c.pem", "k.pem"), ("c.pem", "k.pem", None)),
        (("c.pem", "k.pem", PASSWORD), ("c.pem", "k.pem", PASSWORD)),
        (("c.pem", "k.pem", PASSWORD.encode()), ("c.pem", "k.pem", PASSWORD)),
    ],
)
@pytest.mark.usefixtures("files")
def test_a_client_certificate_has_the_forms_of_the_family(value, expected):
    assert options.client_cert(value) == expected


@pytest.mark.parametrize(
    "value",
    [(), ("c",), ("c", "k", PASSWORD, "x"), 5, (None, "k"), ("a.pem", "none.pem", PASSWORD)],
)
@pytest.mark.usefixtures("files")
def test_another_client_certificate_is_refused(value):
    with pytest.raises(tw.LlmConfigError, match=r"^cert: (give |there is no file none)") as raised:
        options.client_cert(value)
    assert PASSWORD not in str(raised.value)


def test_a_proxy_is_an_address_with_its_credentials(module):
    assert options.proxy_url(None, module) is None
    assert options.proxy_url("http://p:1", module) == "http://p:1"
    assert options.proxy_url(module.URL("http://p:1"), module) == "http://p:1"
    assert options.proxy_url(module.Proxy("http://p:1"), module) == "http://p:1"
    with_user = module.Proxy("http://p:1", auth=("me", "a:b@c/ä"))
    assert options.proxy_url(with_user, module) == "http://me:a%3Ab%40c%2F%C3%A4@p:1"
    in_address = module.Proxy(f"http://me:{PASSWORD}@p:1")
    assert options.proxy_url(in_address, module) == f"http://me:{PASSWORD}@p:1"


def test_what_a_proxy_cannot_carry_is_refused(module):
    refused = {
        "headers": module.Proxy("http://p:1", headers={"X-A": PASSWORD}),
        "SSLContext": module.Proxy(
            "https://p:1", ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ),
        "not int": 5,
    }
    for problem, proxy in refused.items():
        with pytest.raises(tw.LlmConfigError, match=f"^proxy: .*{problem}") as raised:
            options.proxy_url(proxy, module)
        assert PASSWORD not in str(raised.value)


def test_limits_become_those_of_the_engine(module):
    assert options.limits_of(None, module) is None
    assert options.limits_of(tw.Limits(max_connections=3), module) == tw.Limits(max_connections=3)
    theirs = module.Limits(max_connections=3, max_keepalive_connections=2, keepalive_expiry=1.5)
    assert options.limits_of(theirs, module) == tw.Limits(max_connections=3, keepalive=1.5)
    endless = module.Limits(keepalive_expiry=None)
    assert options.limits_of(endless, module) == tw.Limits(keepalive=365 * 86_400)


def test_limits_that_are_out_of_range_are_refused(module):
    with pytest.raises(tw.LlmConfigError, match="max_connections"):
        options.limits_of(module.Limits(max_connections=0), module)
    with pytest.raises(tw.LlmConfigError, match=r"^limits\.max_keepalive_connections=0: "):
        options.limits_of(module.Limits(max_keepalive_connections=0), module)
    with pytest.raises(tw.LlmConfigError, match=r"^limits: give httpx2?\.Limits\(…\), not int"):
        options.limits_of(5, module)


def test_a_timeout_of_ours_limits_streams():
    assert options.stream_limits(None) == (None, None)
    assert options.stream_limits(tw.Timeout(first_token=2, idle=None)) == (2.0, None)
    with pytest.raises(tw.LlmConfigError, match=r"^timeout\.connect: "):
        options.stream_limits(tw.Timeout(connect=1))
    with pytest.raises(tw.LlmConfigError, match=r"^timeout: give tokenwire\.Timeout"):
        options.stream_limits(5.0)


def test_the_arguments_of_a_client_are_split():
    timeout = tw.Timeout(idle=3)
    ours, theirs = options.split_options(
        {"verify": "a.pem", "headers": {"X-A": "1"}, "trust_env": False, "timeout": timeout},
        "httpx",
    )
    assert ours == {"verify": "a.pem", "trust_env": False, "timeout": timeout}
    limits = (10.0, 600.0, 600.0, None)
    assert theirs == {"headers": {"X-A": "1"}, "trust_env": False, "timeout": limits}
    assert options.split_options({"timeout": 5.0, "transport": None}, "httpx") == (
        {},
        {"timeout": 5.0},
    )
    with pytest.raises(tw.LlmConfigError, match=r"^transport: tokenwire\.httpx provides it"):
        options.split_options({"transport": object()}, "httpx")


@pytest.mark.parametrize("name", ["sni_hostname", "target"])
def test_an_extension_that_would_change_the_request_is_refused(name):
    options.refuse_extensions({"timeout": {}, "trace": print}, "httpx")
    with pytest.raises(tw.LlmConfigError, match=f"^extensions\\['{name}'\\] is not supported"):
        options.refuse_extensions({name: "x"}, "httpx")


def test_the_four_limits_of_a_request_may_be_missing_or_none(module):
    none = dict.fromkeys(("connect", "read", "write", "pool"))
    assert options.timeouts({}) == none
    assert options.timeouts({"timeout": module.Timeout(None).as_dict()}) == none
    some = module.Timeout(5, read=None).as_dict()
    assert options.timeouts({"timeout": some}) == {**dict.fromkeys(none, 5), "read": None}


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://h", "http://h/"),
        ("http://h:80/a?b=c#d", "http://h/a?b=c"),
        ("https://me:hunter2@h:8443/a", "https://h:8443/a"),
        ("http://[::1]:81/a", "http://[::1]:81/a"),
        ("http://bücher.example/ä?q=ö", "http://xn--bcher-kva.example/%C3%A4?q=%C3%B6"),
        ("http://h/a%2Fb/c", "http://h/a%2Fb/c"),
    ],
)
def test_an_address_is_sent_as_the_family_encodes_it(url, sent, module):
    assert address_of(module.URL(url), module) == sent


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/a", "missing an 'http://'"),
        ("http:///a", "missing an 'http://'"),
        ("ftp://h/a", "unsupported protocol 'ftp://'"),
        ("ws://h/a", "WebSockets; send them with httpx"),
    ],
)
def test_another_scheme_is_unsupported(url, problem, module):
    with pytest.raises(module.UnsupportedProtocol, match=problem):
        address_of(module.URL(url), module)


AS_IT_IS = {"engine", "validation", "decode", "model"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stream_incomplete"])
def test_every_kind_of_error_has_a_class_of_the_family(kind, module):
    error = KINDS[kind]("one line", status_code=502)
    seen = raised_by(module, AssertionError)(error)
    if kind in AS_IT_IS:
        assert seen is error
        return
    assert isinstance(seen, module.TransportError)
    assert type(seen).__name__ == name_of(error)
    assert (str(seen), seen.__cause__) == ("one line", error)
    if isinstance(error, TimeoutError):
        assert isinstance(seen, module.TimeoutException)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("config", "LocalProtocolError"),
        ("connect_timeout", "ConnectTimeout"),
        ("pool_timeout", "PoolTimeout"),
        ("read_timeout", "ReadTimeout"),
        ("write_timeout", "WriteTimeout"),
        ("first_byte_timeout", "ReadTimeout"),
        ("content_timeout", "ReadTimeout"),
        ("connect", "ConnectError"),
        ("dns", "ConnectError"),
        ("tls", "ConnectError"),
        # What `block_network` raises.
        ("connection", "ConnectError"),
        ("proxy", "ProxyError"),
        ("connection_lost", "RemoteProtocolError"),
        ("protocol", "RemoteProtocolError"),
        ("client_closed", "ReadError"),
    ],
)
def test_a_kind_of_error_has_this_class(kind, name):
    assert name_of(KINDS[kind]("one line")) == name


def test_a_reset_connection_is_a_read_error():
    error = tw.LlmConnectionLostError("one line")
    error._was_reset = True  # type: ignore[attr-defined]
    assert name_of(error) == "ReadError"


def test_a_class_of_the_users_is_known_by_its_base(module):
    class OwnError(tw.LlmDNSError):
        pass

    assert name_of(OwnError("x")) == "ConnectError"
    assert name_of(LlmError("x")) is None


@pytest.mark.parametrize(
    ("transport", "pools", "method"),
    [
        ("HTTPTransport", ("ConnectionPool", "HTTPProxy", "HTTPConnection"), "handle_request"),
        (
            "AsyncHTTPTransport",
            ("AsyncConnectionPool", "AsyncHTTPProxy", "AsyncHTTPConnection"),
            "handle_async_request",
        ),
    ],
)
def test_a_replaced_method_is_seen_whenever_it_was_replaced(
    transport, pools, method, module, monkeypatch
):
    import functools

    core = importlib.import_module(module.__name__.replace("httpx", "httpcore"))
    methods = Methods(module, transport=transport, pools=pools, method=method)
    assert (methods.is_transport_replaced(), methods.is_pool_replaced()) == (False, False)

    def wrapped(kind: Any) -> Any:
        real = getattr(kind, method)

        @functools.wraps(real)
        def wrapper(*args: Any) -> Any:
            return real(*args)

        return wrapper

    with monkeypatch.context() as patch:
        kind = getattr(module, transport)
        patch.setattr(kind, method, wrapped(kind))
        assert (methods.is_transport_replaced(), methods.is_pool_replaced()) == (True, False)
        # One that is made while the mock is active knows it as well.
        late = Methods(module, transport=transport, pools=pools, method=method)
        assert late.is_transport_replaced()
    for pool in pools:
        with monkeypatch.context() as patch:
            patch.setattr(getattr(core, pool), method, wrapped(getattr(core, pool)))
            assert (methods.is_transport_replaced(), methods.is_pool_replaced()) == (False, True)
    assert (methods.is_transport_replaced(), methods.is_pool_replaced()) == (False, False)


def test_the_pickle_of_an_incomplete_stream_has_no_request(module):
    ours = importlib.import_module(f"tokenwire.{module.__name__}")
    error = tw.LlmStreamIncompleteError("cut off", provider="p")
    seen: Any = raised_by(module, ours.StreamIncompleteError)(error)
    for kind in (module.RemoteProtocolError, tw.LlmStreamIncompleteError):
        assert isinstance(seen, kind)
    seen.request = module.Request("GET", "http://h/", headers={"Authorization": PASSWORD})
    dumped = pickle.dumps(seen)
    assert PASSWORD.encode() not in dumped
    copy = pickle.loads(dumped)
    assert (type(copy), copy.args, copy.provider) == (type(seen), ("cut off",), "p")
    assert seen.request.method == "GET"
