//! A dialect that the crate does not have, at a provider that speaks nothing else: what an implementation of
//! [`Dialect`] and a row give is all that a client needs.

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
    Auth, Chat, Dialect, Encoded, Param, Provider, StreamDecoder, providers,
};

/// Chat under another name, path and header, with errors of its own.
#[derive(Debug)]
struct Letters;

impl Dialect for Letters {
    fn name(&self) -> &'static str {
        "letters"
    }

    fn title(&self) -> &'static str {
        "the Letters API"
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn operation(&self) -> &'static str {
        "correspond"
    }

    fn path(&self) -> &'static str {
        "/letters"
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("x-letters-version", "2")]
    }

    fn parameters(&self) -> &'static [Param] {
        Chat.parameters()
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        let encoded = Chat.encode(request, provider)?;
        Ok(Encoded {
            path: self.path().to_owned(),
            ..encoded
        })
    }

    fn decode_reply(&self, body: &[u8]) -> Result<Reply, Error> {
        Chat.decode_reply(body)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Chat.stream()
    }

    fn decode_error(&self, status: u16, _body: &[u8]) -> Error {
        Error::new(K::Api, format!("the letter came back: {status}"))
    }
}

fn post_office() -> Arc<Provider> {
    let base = providers::find("openai-compatible").unwrap();
    Arc::new(Provider {
        name: "post".into(),
        auth: Auth::Header("x-stamp".into()),
        dialects: &[&Letters],
        ..(*base).clone()
    })
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
    let client = Client::new(&hub, post_office(), config(&server.base_url())).unwrap();
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
        let error = Client::new(&Hub::new(), post_office(), config).unwrap_err();
        assert_eq!(error.kind(), K::Config);
        error.message().to_owned()
    };
    assert!(refused(&|c| c.api = Some("chat".to_owned())).contains("it speaks \"letters\""));
    assert!(refused(&|c| c.family = Family::Completion).contains("CompletionClient"));
    let address = Some("http://127.0.0.1:1/v1/letters".to_owned());
    assert!(refused(&|c| c.base_url.clone_from(&address)).contains("ends with /letters"));
}
