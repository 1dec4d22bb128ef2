//! TLS: which servers a client trusts, and what the error says about the others.

#![allow(clippy::unwrap_used, reason = "the server of this file fails loudly")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::*;
use tokenwire_core::config::{ClientCertificate, TlsSettings};
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::http::Transport;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// How a server ends its streams.
#[derive(Clone, Copy, PartialEq)]
enum Goodbye {
    Polite,
    Silent,
}

/// A TLS server that answers each request with `answer`; `mutual` asks for a client certificate.
fn serve(certificate: &str, mutual: bool, answer: Vec<u8>, goodbye: Goodbye) -> String {
    let pem = data(certificate);
    let chain: Vec<_> = CertificateDer::pem_file_iter(&pem)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(&pem).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if mutual {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(data("root.pem")).unwrap())
            .unwrap();
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    serve_by(
        builder.with_single_cert(chain, key).unwrap(),
        answer,
        goodbye,
    )
}

/// A TLS server that answers each request with `answer`.
fn serve_by(config: rustls::ServerConfig, answer: Vec<u8>, goodbye: Goodbye) -> String {
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (config, answer) = (config.clone(), answer.clone());
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, socket.unwrap());
                let mut request = Vec::new();
                let mut byte = [0; 1];
                while !is_whole(&request) {
                    if !stream.read(&mut byte).is_ok_and(|read| read == 1) {
                        return;
                    }
                    request.push(byte[0]);
                }
                stream.write_all(&answer).unwrap();
                if goodbye == Goodbye::Polite {
                    stream.conn.send_close_notify();
                }
                let _ = stream.flush();
                let _ = stream.sock.shutdown(std::net::Shutdown::Write);
                // The client reads all before the socket goes.
                let _ = stream.sock.read(&mut byte);
            });
        }
    });
    format!("https://{address}/v1")
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split_once("content-length: ").unwrap().1;
    length.lines().next() == Some(&body.len().to_string())
}

fn trusting(base_url: &str, client_cert: Option<&str>) -> Bench {
    Bench::with(base_url, |config| {
        config.tls = TlsSettings {
            ca_bundle: Some(data("root.pem")),
            client_cert: client_cert.map(|name| ClientCertificate {
                chain: data(name),
                key: None,
                password: None,
            }),
        };
    })
}

#[tokio::test]
async fn a_server_with_a_given_root_is_trusted() {
    let base_url = serve("good.pem", false, stream(), Goodbye::Polite);
    let streamed = trusting(&base_url, None).stream().await;
    assert_eq!(
        (streamed.kind(), streamed.text().as_str()),
        (None, "hello"),
        "{:?}",
        streamed.end
    );
}

#[tokio::test]
async fn a_directory_of_roots_is_accepted_too() {
    let base_url = serve("good.pem", false, stream(), Goodbye::Polite);
    let bench = Bench::with(&base_url, |config| {
        config.tls.ca_bundle = Some(data("."));
    });
    assert_eq!(bench.stream().await.kind(), None);
}

#[tokio::test]
async fn an_untrusted_server_is_refused_with_the_reason() {
    for (certificate, trusted, why) in [
        ("good.pem", false, "not signed by a known authority"),
        (
            "elsewhere.pem",
            true,
            "is for another host (it is for elsewhere.example)",
        ),
        ("expired.pem", true, "expired"),
    ] {
        let base_url = serve(certificate, false, stream(), Goodbye::Polite);
        let bench = if trusted {
            trusting(&base_url, None)
        } else {
            Bench::new(&base_url)
        };
        let error = bench.stream().await.end.unwrap();
        assert_eq!(
            (error.kind(), error.attempts().len()),
            (K::Tls, 1),
            "{certificate}: {error}"
        );
        assert!(error.message().contains(why), "{error}");
        assert!(!error.is_maybe_processed());
    }
}

#[tokio::test]
async fn a_client_certificate_is_sent_if_there_is_one() {
    let base_url = serve("good.pem", true, stream(), Goodbye::Polite);
    let streamed = trusting(&base_url, Some("good.pem")).stream().await;
    assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
    let refused = trusting(&base_url, None).stream().await;
    let kind = refused.kind().unwrap();
    assert!(
        matches!(kind, K::Tls | K::ConnectionLost),
        "{:?}",
        refused.end
    );
}

#[tokio::test]
async fn a_missing_bundle_is_raised_at_the_first_https_call_and_not_before() {
    let bench = Bench::with("https://127.0.0.1:1/v1", |config| {
        config.tls.ca_bundle = Some("/nowhere/roots.pem".into());
    });
    let error = bench.complete().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (K::Config, 1));
    assert!(error.message().contains("/nowhere/roots.pem"), "{error}");
}

/// A reply of this body, whose end is that of the connection.
fn to_the_end(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn a_stream_without_close_notify_is_complete_iff_its_end_mark_was_seen() {
    use Goodbye::{Polite, Silent};
    let text = piece("hello");
    let unended = DONE.trim_end();
    for (goodbye, body, kind) in [
        (Polite, format!("{text}{FINISH}{DONE}"), None),
        (Silent, format!("{text}{FINISH}{DONE}"), None),
        (Polite, format!("{text}{FINISH}{unended}"), None),
        (Silent, format!("{text}{FINISH}{unended}"), None),
        // Only the end of the connection can say that nothing else follows.
        (Polite, format!("{text}{FINISH}"), None),
        (
            Silent,
            format!("{text}{FINISH}"),
            Some(K::StreamInterrupted),
        ),
        (Polite, text.clone(), Some(K::StreamIncomplete)),
        (Silent, text.clone(), Some(K::StreamInterrupted)),
    ] {
        let base_url = serve("good.pem", false, to_the_end(&body), goodbye);
        let streamed = trusting(&base_url, None).stream().await;
        assert_eq!(
            (streamed.kind(), streamed.text().as_str()),
            (kind, "hello"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_whole_reply_without_close_notify_is_complete_iff_it_is_one_document() {
    use Goodbye::{Polite, Silent};
    let whole =
        r#"{"choices": [{"index": 0, "message": {"content": "hello"}, "finish_reason": "stop"}]}"#;
    let cut = &whole[..whole.len() - 1];
    let long = format!("{}{whole}", " ".repeat(100_000));
    for (goodbye, body, kind) in [
        (Polite, whole, None),
        (Silent, whole, None),
        (Silent, &long, None),
        (Polite, cut, Some(K::Decode)),
        (Silent, cut, Some(K::ConnectionLost)),
        (Silent, "", Some(K::ConnectionLost)),
    ] {
        let base_url = serve("good.pem", false, to_the_end(body), goodbye);
        let bench = trusting(&base_url, None);
        let completed = bench.complete().await;
        assert_eq!(completed.err().map(|error| error.kind()), kind, "{body}");
        // A document in place of a stream follows the same rule.
        let streamed = bench.stream().await;
        if kind.is_none() {
            assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
        } else {
            assert!(streamed.kind().is_some());
        }
    }
}

#[tokio::test]
async fn tls_configurations_are_shared_over_transports() {
    let base_url = serve("good.pem", false, stream(), Goodbye::Polite);
    let bench = trusting(&base_url, None);
    assert_eq!(bench.stream().await.kind(), None);
    let other = Transport::new(bench.hub.clone());
    let queue = tokenwire_core::stream::Queue::new(1 << 20, usize::MAX, std::time::Instant::now());
    tokenwire_core::stream::pump(&other, bench.call(true), queue.clone()).await;
    assert_eq!(Streamed::of(&queue).text(), "hello");
}

/// A key that does not belong to the certificate with which it is shown.
#[derive(Debug)]
struct Impostor(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Impostor {
    fn resolve(
        &self,
        _: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn a_server_without_the_key_of_the_certificate_that_was_given_is_refused() {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(data("good.pem")).unwrap()];
    for (key, is_refused) in [("elsewhere.pem", true), ("good.pem", false)] {
        let key = PrivateKeyDer::from_pem_file(data(key)).unwrap();
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        let shown = Arc::new(rustls::sign::CertifiedKey::new(chain.clone(), key));
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let config = rustls::ServerConfig::builder_with_provider(ring.clone())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(Impostor(shown.clone())));
            let base_url = serve_by(config, stream(), Goodbye::Polite);
            // Only the certificate itself, whose root no one has.
            let bench = Bench::with(&base_url, |config| {
                config.tls.ca_bundle = Some(data("good.pem"));
            });
            let streamed = bench.stream().await;
            assert_eq!(
                streamed.kind(),
                is_refused.then_some(K::Tls),
                "{:?}",
                streamed.end
            );
        }
    }
}
