//! Claims about providers, and about what all dialects share.

use std::sync::Arc;

use crate::config::Family;
use crate::error::{Error, ErrorKind};
use crate::message::Reply;
use crate::request::Request;
use crate::wire::params::{Param, Type, param};
use crate::wire::{
    Chat, Completions, Dialect, Encoded, Provider, StreamDecoder, choose, dialect, lookup,
    providers, supported,
};

#[test]
fn providers_are_found_or_named() {
    assert_eq!(providers::find("groq").unwrap().key_vars, ["GROQ_API_KEY"]);
    for (name, part) in [
        ("grok", "groq"),
        ("anthropic", "not spoken yet"),
        ("x", "one of: openai"),
    ] {
        let error = providers::find(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(part), "{}", error.message());
    }
    assert!(providers::is_known("gemini") && !providers::is_known("gemma3"));
    for name in providers::names() {
        let url = providers::find(name)
            .unwrap()
            .base_url
            .clone()
            .unwrap_or("https://x".into());
        assert!(!url.ends_with('/') && url.starts_with("http"), "{name}");
    }
}

#[test]
fn supported_parameters_depend_on_the_dialect_and_the_provider() {
    let names = |api: &str, provider: &str| {
        supported(dialect(api).unwrap(), &providers::find(provider).unwrap())
    };
    assert!(
        names("chat", "openai").contains(&"tools") && !names("chat", "openai").contains(&"top_k")
    );
    assert!(names("chat", "vllm").contains(&"top_k"));
    assert!(
        names("completions", "vllm").contains(&"echo")
            && !names("completions", "vllm").contains(&"tools")
    );
    assert!(dialect("messages").is_none());
}

/// A dialect that no row of the table names.
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
        "chat"
    }

    fn path(&self) -> &'static str {
        "/letters"
    }

    fn parameters(&self) -> &'static [Param] {
        const { &[param("paper", Type::Text)] }
    }

    fn encode(&self, _request: &Request<'_>, _provider: &Provider) -> Result<Encoded, Error> {
        unreachable!()
    }

    fn decode_reply(&self, _body: &[u8]) -> Result<Reply, Error> {
        unreachable!()
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        unreachable!()
    }

    fn decode_error(&self, _status: u16, _body: &[u8]) -> Error {
        unreachable!()
    }
}

fn speaking(dialects: &'static [&'static dyn Dialect]) -> Provider {
    Provider {
        name: "post".into(),
        dialects,
        ..(*providers::find("openai-compatible").unwrap()).clone()
    }
}

#[test]
fn a_row_of_a_callers_own_is_a_value_like_the_tables() {
    let own = || speaking(&[&Chat]);
    assert_eq!(Arc::new(own()), Arc::new(own()));
    let changed = Provider {
        stream_options: false,
        ..own()
    };
    assert_ne!(changed, own());
    assert_eq!((&*changed.name, changed.base_url), ("post", None));
    assert!(providers::names().all(|name| name != "post"));
}

#[test]
fn the_first_dialect_of_a_family_is_its_default() {
    let chosen = |provider: &Provider, family, api| {
        choose(provider, family, api).map(|dialect| dialect.name().to_owned())
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
    let letters = speaking(&[&Letters]);
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
        let error = chosen(&letters, family, api).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn a_parameter_is_looked_for_in_the_providers_other_dialects() {
    let chat = dialect("chat").unwrap();
    let both = speaking(&[&Chat, &Completions, &Letters]);
    for (provider, name, hint) in [
        (&both, "suffix", "CompletionClient takes it"),
        (&both, "paper", r#"api="letters" takes it"#),
        (&speaking(&[&Chat]), "suffix", "the provider may know it"),
    ] {
        let error = lookup::find(chat, provider, name).unwrap_err();
        let message = error.message();
        assert!(
            message.contains(&format!(
                "params.{name}: chat has no such parameter; {hint}"
            )),
            "{message}"
        );
    }
}
