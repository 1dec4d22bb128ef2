//! Both transports: what they send, and what goes through a proxy.

#![allow(clippy::unwrap_used, reason = "the servers of this file fail loudly")]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::*;
use tokenwire_core::config::{
    ClientConfig, Secret, Timeout, TimeoutSetting, TlsSettings, TransportSetting,
};
use tokenwire_core::error::ErrorKind as K;

/// The limits of these tests: a proxy that does not answer is a failure soon.
fn limits(connect: u64) -> TimeoutSetting {
    TimeoutSetting::Full(Timeout {
        connect: Some(Duration::from_millis(connect)),
        total: Some(Duration::from_secs(10)),
        ..Timeout::default()
    })
}

fn over(transport: TransportSetting, base_url: &str, stream: bool) -> Bench {
    Bench::with(base_url, |config| {
        config.transport = Some(transport);
        config.timeout = limits(5_000);
        let name = if stream { "x-stream" } else { "X-Whole" };
        config.headers = vec![(name.to_owned(), Secret::new("a  b".to_owned()))];
    })
}

#[tokio::test]
async fn both_transports_send_the_same_bytes() {
    let server = Server::start(|_| {
        let answers = [ok(), ok(), ok(), ok()];
        let acts = answers.map(|answer| [Act::Read, Act::Send(answer)]);
        acts.into_iter().flatten().collect()
    });
    for base_url in [
        server.base_url(),
        format!("http://localhost:{}/a%20b", server.address.port()),
    ] {
        for stream in [false, true] {
            for transport in [TransportSetting::Direct, TransportSetting::General] {
                let bench = over(transport, &base_url, stream);
                if stream {
                    assert_eq!(bench.stream().await.text(), "hello");
                } else {
                    bench.complete().await.unwrap();
                }
            }
            let sent: Vec<_> = server.seen.lock().drain(..).collect();
            let [direct, general] = sent.as_slice() else {
                panic!("{sent:?}");
            };
            assert_eq!(direct.head, general.head);
            assert_eq!(direct.body, general.body);
        }
    }
}

/// What each connection began with.
type Began = Arc<Mutex<Vec<Vec<u8>>>>;

/// A proxy that counts what it carries.
struct Proxy {
    address: SocketAddr,
    seen: Began,
}

impl Proxy {
    /// Each connection is served by `serve`, which notes how it began, and returns where it goes on to and what is
    /// sent there first.
    fn start(
        serve: impl Fn(&mut TcpStream, &Began) -> Option<(SocketAddr, Vec<u8>)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Began::default();
        let (log, serve) = (Arc::clone(&seen), Arc::new(serve));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (log, serve) = (Arc::clone(&log), Arc::clone(&serve));
                let mut client = client.unwrap();
                std::thread::spawn(move || {
                    let (target, first) = serve(&mut client, &log)?;
                    let mut server = TcpStream::connect(target).unwrap();
                    server.write_all(&first).unwrap();
                    carry(client, server);
                    Some(())
                });
            }
        });
        Self { address, seen }
    }

    /// An HTTP proxy.
    fn http() -> Self {
        Self::start(|client, began| {
            let head = read_head(client, began);
            let mut words = head.split(' ');
            let (method, target) = (words.next()?, words.next()?);
            if method == "CONNECT" {
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                return Some((target.parse().unwrap(), Vec::new()));
            }
            let authority = target.strip_prefix("http://")?.split('/').next()?;
            Some((authority.parse().unwrap(), head.into_bytes()))
        })
    }

    /// A SOCKS 5 proxy for addresses: RFC 1928.
    fn socks() -> Self {
        Self::start(|client, began| {
            let mut hello = [0; 3];
            client.read_exact(&mut hello).unwrap();
            client.write_all(&[5, 0]).unwrap();
            let mut asked = [0; 10];
            client.read_exact(&mut asked).unwrap();
            began.lock().push(asked.to_vec());
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            let [5, 1, 0, 1, a, b, c, d, high, low] = asked else {
                return None;
            };
            let port = u16::from_be_bytes([high, low]);
            Some((SocketAddr::from(([a, b, c, d], port)), Vec::new()))
        })
    }

    /// An HTTP proxy that writes `answer` to each CONNECT, and then closes.
    fn refusing(answer: &'static [u8]) -> Self {
        Self::start(move |client, began| {
            read_head(client, began);
            client.write_all(answer).unwrap();
            None
        })
    }

    fn began(&self) -> Vec<String> {
        let seen = self.seen.lock();
        seen.iter()
            .map(|began| String::from_utf8_lossy(began).into_owned())
            .collect()
    }
}

/// Reads and notes a head.
fn read_head(client: &mut TcpStream, began: &Began) -> String {
    let (mut head, mut one) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut one).unwrap_or(0) == 1 {
        head.extend_from_slice(&one);
    }
    began.lock().push(head.clone());
    String::from_utf8(head).unwrap()
}

/// Carries bytes both ways until both sides have ended.
fn carry(client: TcpStream, server: TcpStream) {
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    let there = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || copy(there.0, there.1));
    copy(server, client);
}

fn data(name: &str) -> PathBuf {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    data.join(name)
}

/// A TLS server that answers each connection's first request.
fn secure() -> SocketAddr {
    let pem = data("good.pem");
    let chain = CertificateDer::pem_file_iter(&pem).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&pem).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket.unwrap());
            let (mut head, mut one) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut one).unwrap_or(0) == 1 {
                head.extend_from_slice(&one);
            }
            // Only the last byte of the body is one of these, in JSON, behind all pairs.
            let mut open = 0;
            while stream.read(&mut one).unwrap_or(0) == 1 {
                open += i32::from(one == *b"{") - i32::from(one == *b"}");
                if open == 0 {
                    break;
                }
            }
            let _ = stream.write_all(&ok());
        }
    });
    address
}

fn through(proxy: String) -> impl FnOnce(&mut ClientConfig) {
    move |config| {
        config.proxy = Some(Secret::new(proxy));
        config.transport = Some(TransportSetting::General);
        config.timeout = limits(5_000);
        config.tls = TlsSettings {
            ca_bundle: Some(data("root.pem")),
            client_cert: None,
        };
    }
}

#[tokio::test]
async fn a_plain_call_is_forwarded_by_an_http_proxy() {
    let (server, proxy) = (Server::always(ok()), Proxy::http());
    let with = through(format!("http://me:a%2Fb@{}", proxy.address));
    Bench::with(&server.base_url(), with)
        .complete()
        .await
        .unwrap();
    let began = proxy.began();
    let line = format!("POST {}/chat/completions HTTP/1.1\r\n", server.base_url());
    assert!(began[0].starts_with(&line), "{began:?}");
    // `me:a/b`: RFC 7617.
    assert!(
        began[0].contains("\r\nproxy-authorization: Basic bWU6YS9i\r\n"),
        "{began:?}"
    );
    assert_eq!((began.len(), server.requests()), (1, 1));
}

#[tokio::test]
async fn a_secure_call_goes_through_a_tunnel_of_an_http_proxy() {
    let (server, proxy) = (secure(), Proxy::http());
    let with = through(format!("http://me:a%2Fb@{}", proxy.address));
    let bench = Bench::with(&format!("https://{server}/v1"), with);
    bench.complete().await.unwrap();
    assert_eq!(
        proxy.began(),
        [format!(
            "CONNECT {server} HTTP/1.1\r\nHost: {server}\r\nProxy-Authorization: Basic bWU6YS9i\r\n\r\n"
        )]
    );
}

#[tokio::test]
async fn a_call_goes_through_a_socks_proxy() {
    let (server, proxy) = (Server::always(ok()), Proxy::socks());
    let with = through(format!("socks5://{}", proxy.address));
    Bench::with(&server.base_url(), with)
        .complete()
        .await
        .unwrap();
    assert_eq!((proxy.seen.lock().len(), server.requests()), (1, 1));

    let (server, proxy) = (secure(), Proxy::socks());
    let with = through(format!("socks5h://{}", proxy.address));
    let bench = Bench::with(&format!("https://{server}/v1"), with);
    bench.complete().await.unwrap();
    assert_eq!(proxy.seen.lock().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_a_tunnel_is_asked_again_for_the_status() {
    for (answer, part, attempts) in [
        (
            &b"HTTP/1.1 403 No\r\ncontent-length: 9999\r\n\r\n"[..],
            "403, Forbidden",
            1,
        ),
        (
            b"HTTP/1.1 302 x\r\nlocation: http://127.0.0.1:1/\r\n\r\n",
            "302, Found",
            3,
        ),
        (b"HTTP/1.1 503 x\r\n\r\n", "503, Service Unavailable", 3),
        // The rest of a head is not read the second time.
        (ENDLESS, "418, I'm a teapot", 1),
        (
            b"SSH-2.0-OpenSSH_9.9 and more\r\n",
            "is not valid HTTP/1.1",
            3,
        ),
        (b"HTTP/1.1 999\r\n\r\n", "answered CONNECT with 999", 3),
        (b"", "it closed the connection", 3),
    ] {
        let proxy = Proxy::refusing(answer);
        let with = through(format!("http://me:a%2Fb@{}", proxy.address));
        let bench = Bench::with("https://origin.invalid/v1", with);
        let failed = bench.complete().await.unwrap_err();
        assert_eq!(failed.kind(), K::Proxy, "{failed}");
        assert!(failed.message().contains(part), "{failed}");
        let asked = if answer.is_empty() { 1 } else { 2 };
        let began = proxy.began();
        assert_eq!(began.len(), attempts * asked, "{failed}");
        for question in began {
            assert!(!question.contains(KEY), "{question}");
            assert_eq!(
                question,
                "CONNECT origin.invalid:443 HTTP/1.1\r\nHost: origin.invalid:443\r\n\
                 Proxy-Authorization: Basic bWU6YS9i\r\n\r\n"
            );
        }
    }
}

/// A head that is longer than a client reads.
const ENDLESS: &[u8] = {
    const START: &[u8] = b"HTTP/1.1 418 x\r\nx: ";
    let mut head = [b'x'; 16_384];
    head.split_at_mut(START.len()).0.copy_from_slice(START);
    &{ head }
};

#[tokio::test]
async fn a_proxy_that_says_something_else_the_second_time_confuses_nobody() {
    let silence = || {
        std::thread::park_timeout(Duration::from_secs(60));
    };
    for (second, part) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], "200, OK): it had refused"),
        (b"garbage garbage garbage", "is not valid HTTP/1.1"),
        (b"HTTP/1.1 4", "is not valid HTTP/1.1"),
        // Nothing, without an end.
        (b"-", "is not valid HTTP/1.1"),
    ] {
        let count = Mutex::new(0);
        let proxy = Proxy::start(move |client, began| {
            read_head(client, began);
            *count.lock() += 1;
            match (*count.lock(), second) {
                (1, _) => client.write_all(b"HTTP/1.1 403 No\r\n\r\n").unwrap(),
                (_, b"-") => silence(),
                (_, second) => client.write_all(second).unwrap(),
            }
            None
        });
        let url = format!("http://{}", proxy.address);
        let bench = Bench::with("https://origin.invalid/v1", |config| {
            through(url)(config);
            config.retry.max_retries = 0;
            config.timeout = limits(500);
        });
        let failed = bench.complete().await.unwrap_err();
        assert_eq!(failed.kind(), K::Proxy, "{failed}");
        assert!(failed.message().contains(part), "{failed}");
    }
}

#[tokio::test]
async fn the_error_names_the_host_that_does_not_resolve() {
    let proxy = Proxy::socks();
    for (proxy, named) in [
        (format!("socks5://{}", proxy.address), "origin.invalid:80"),
        (format!("socks4://{}", proxy.address), "origin.invalid:80"),
        ("socks5://proxy.invalid:1".to_owned(), "origin.invalid:80"),
        (
            "socks5h://proxy.invalid".to_owned(),
            "socks5h://proxy.invalid:1080",
        ),
        (
            "socks4a://proxy.invalid:1".to_owned(),
            "socks4a://proxy.invalid:1",
        ),
        ("http://proxy.invalid".to_owned(), "http://proxy.invalid:80"),
    ] {
        let bench = Bench::with("http://origin.invalid/v1", through(proxy));
        let failed = bench.complete().await.unwrap_err();
        assert_eq!(failed.kind(), K::Dns, "{failed}");
        let part = format!("the host name in {named} does not resolve");
        assert!(failed.message().contains(&part), "{failed}");
    }
}
