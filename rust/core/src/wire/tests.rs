//! Tests of the table of providers.

use std::sync::Arc;

use crate::error::ErrorKind;
use crate::wire::{Provider, dialect, providers, supported};

#[test]
fn providers_are_found_or_named() {
    assert_eq!(providers::find("groq").unwrap().key_vars, ["GROQ_API_KEY"]);
    for (name, part) in [
        ("grok", "groq"),
        ("anthropic", "not supported yet"),
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

#[test]
fn a_custom_row_is_a_value_like_those_of_the_table() {
    let custom = || Provider {
        name: "post".into(),
        ..(*providers::find("openai-compatible").unwrap()).clone()
    };
    assert_eq!(Arc::new(custom()), Arc::new(custom()));
    let changed = Provider {
        stream_options: false,
        ..custom()
    };
    assert_ne!(changed, custom());
    assert_eq!((&*changed.name, changed.base_url), ("post", None));
    assert!(providers::names().all(|name| name != "post"));
}
