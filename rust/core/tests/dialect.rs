//! A dialect that the crate does not have: a client needs no more than an implementation of [`Dialect`] and a
//! provider that names it.

#![allow(
    clippy::unwrap_used,
    reason = "a failure here is the message of the test that uses it"
)]

mod support;

use std::sync::Arc;

use support::{Server, config, ok, response};
use tokenwire_core::call::complete;
use tokenwire_core::client::{CallOptions, Client};
use tokenwire_core::config::Family;
use tokenwire_core::error::{Error, ErrorKind as K};
use tokenwire_core::http::{Hub, Transport};
use tokenwire_core::message::Reply;
use tokenwire_core::request::Request;
use tokenwire_core::wire::{
    At, Auth, Chat, Completions, Dialect, Encoded, Param, Provider, StreamDecoder, choose,
    providers,
};

/// Chat under another name, path and header, with its own errors. It lists the parameters of text completions.
#[derive(Debug)]
struct Letters;

impl Dialect for Letters {
    fn name(&self) -> &'static str {
        "letters"
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn operation(&self) -> &'static str {
        "correspond"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/letters"]
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("x-letters-version", "2")]
    }

    fn parameters(&self) -> &'static [Param] {
        Completions.parameters()
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        let encoded = Chat.encode(request, provider)?;
        Ok(Encoded {
            path: "/letters".to_owned(),
            ..encoded
        })
    }

    fn decode_reply(&self, body: &[u8], asked: usize) -> Result<Reply, Error> {
        Chat.decode_reply(body, asked)
    }

    fn stream(&self, asked: usize) -> Box<dyn StreamDecoder> {
        Chat.stream(asked)
    }

    fn decode_error(&self, status: u16, _body: &[u8]) -> Error {
        Error::new(K::Api, format!("the letter came back: {status}"))
    }
}

fn speaking(dialects: &'static [&'static dyn Dialect]) -> Arc<Provider> {
    let base = providers::find("openai-compatible").unwrap();
    Arc::new(Provider {
        name: "post".into(),
        auth: Auth::Header("x-stamp".into()),
        dialects,
        ..(*base).clone()
    })
}

fn post_office() -> Arc<Provider> {
    speaking(&[&Letters])
}

#[tokio::test]
async fn a_client_speaks_the_dialect_that_its_provider_names() {
    let server = Server::start(|connection| {
        let answer = match connection {
            0 => ok(),
            _ => response("418 X", "", "{}"),
        };
        vec![support::Act::Read, support::Act::Send(answer)]
    });
    let hub = Hub::new();
    let client = Client::new(&hub, post_office(), config(&server.base_url()), None).unwrap();
    assert_eq!(client.operation(), "correspond");
    let transport = Transport::new(hub);
    let ask = || {
        let request = br#"{"model":"m","input":"hi"}"#;
        let call = client.prepare(request, CallOptions::default()).unwrap();
        complete(&transport, call)
    };
    assert_eq!(ask().await.unwrap().reply.choices[0].text(), "hello");
    let head = server.seen.lock()[0].head.clone();
    assert!(head.starts_with("POST /v1/letters HTTP/1.1"), "{head}");
    assert!(head.contains("x-letters-version: 2\r\n"), "{head}");
    assert!(head.contains(&format!("x-stamp: {}\r\n", support::KEY)));
    assert!(!head.contains("authorization"), "{head}");
    let error = ask().await.unwrap_err();
    assert_eq!(error.message(), "the letter came back: 418");
}

#[test]
fn what_the_provider_does_not_speak_is_refused() {
    let refused = |change: &dyn Fn(&mut tokenwire_core::config::ClientConfig)| {
        let mut config = config("http://127.0.0.1:1/v1");
        change(&mut config);
        // At another address, any dialect may be spoken.
        let provider = Arc::new(Provider {
            base_url: Some("http://127.0.0.1:1/v1".into()),
            ..(*post_office()).clone()
        });
        let error = Client::new(&Hub::new(), provider, config, None).unwrap_err();
        assert_eq!(error.kind(), K::Config);
        error.message().to_owned()
    };
    assert!(refused(&|c| c.api = Some("chat".to_owned())).contains("it speaks \"letters\""));
    assert!(refused(&|c| c.family = Family::Completion).contains("CompletionClient"));
    let address = Some("http://127.0.0.1:1/v1/letters".to_owned());
    assert!(refused(&|c| c.base_url.clone_from(&address)).contains("ends with /letters"));
}

#[test]
fn the_first_dialect_of_a_family_is_its_default() {
    let chosen = |provider: &Provider, family, api| {
        choose(provider, family, api, "m", At::Home(None)).map(|dialect| dialect.name().to_owned())
    };
    let both = speaking(&[&Letters, &Completions, &Chat]);
    for (family, api, expected) in [
        (Family::Chat, None, "letters"),
        (Family::Chat, Some("letters"), "letters"),
        (Family::Chat, Some("chat"), "chat"),
        (Family::Completion, None, "completions"),
    ] {
        assert_eq!(chosen(&both, family, api).unwrap(), expected);
    }
    for (family, api, part) in [
        (
            Family::Chat,
            Some("x'"),
            r#"api: 'x\'' is not spoken by this class; it speaks "chat""#,
        ),
        (
            Family::Chat,
            Some("chat"),
            r#"api: 'chat' is not spoken by post; it speaks "letters""#,
        ),
        (
            Family::Completion,
            None,
            "provider post: CompletionClient does not speak its API; ChatClient does",
        ),
        (
            Family::Completion,
            Some("completions"),
            "provider post: CompletionClient does not speak its API; ChatClient does",
        ),
    ] {
        let error = chosen(&post_office(), family, api).unwrap_err();
        assert_eq!(error.kind(), K::Config);
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn a_parameter_is_looked_for_in_the_providers_other_dialects() {
    for (provider, hint) in [
        (
            speaking(&[&Chat, &Completions]),
            "CompletionClient takes it",
        ),
        // Another API of the same class is nearer.
        (
            speaking(&[&Chat, &Completions, &Letters]),
            r#"api="letters" takes it"#,
        ),
        (speaking(&[&Chat]), "the provider may know it"),
    ] {
        let config = config("http://127.0.0.1:1/v1");
        let client = Client::new(&Hub::new(), provider, config, None).unwrap();
        let request = br#"{"model":"m","input":"hi","params":{"suffix":"x"}}"#;
        let error = client
            .prepare(request, CallOptions::default())
            .err()
            .unwrap();
        let expected = format!("params.suffix: chat has no such parameter; {hint}");
        assert!(error.message().contains(&expected), "{error}");
    }
}

#[test]
fn a_request_that_is_nested_too_deep_is_refused() {
    let (open, close) = ("[".repeat(200), "]".repeat(200));
    let request = format!(r#"{{"model":"m","input":[{{"role":"user","content":{open}{close}}}]}}"#);
    let config = config("http://127.0.0.1:1/v1");
    let client = Client::new(&Hub::new(), speaking(&[&Chat]), config, None).unwrap();
    let prepared = client.prepare(request.as_bytes(), CallOptions::default());
    let error = prepared.err().unwrap();
    assert_eq!(error.kind(), K::Validation);
    assert!(error.message().contains("127 levels"), "{error}");
}
