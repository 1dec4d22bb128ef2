//! Tests of the table of providers.

use std::sync::Arc;

use crate::error::ErrorKind;
use crate::wire::{Provider, dialect, providers, supported};

#[test]
fn providers_are_found_or_named() {
    assert_eq!(providers::find("groq").unwrap().key_vars, ["GROQ_API_KEY"]);
    for (name, part) in [
        ("grok", "groq"),
        ("cohere", "not supported yet"),
        ("x", "one of: openai"),
    ] {
        let error = providers::find(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(part), "{}", error.message());
    }
    assert_eq!(providers::find("gemini").unwrap().name, "google");
    assert!(
        providers::is_known("gemini")
            && providers::is_known("cohere")
            && !providers::is_known("gemma3")
    );
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
    assert!(!names("messages", "anthropic").is_empty());
    assert!(dialect("message").is_none());
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

#[test]
fn other_paths_are_of_apis_that_the_row_speaks_at_a_path_of_its_own() {
    for name in providers::names() {
        let row = providers::find(name).unwrap();
        // On Vertex they are only versions.
        for other in row.other_paths.iter().filter(|_| !row.is_vertex) {
            let mut dialects = row.dialects.iter();
            assert!(
                dialects.any(|dialect| dialect.name() == other.api),
                "{name}"
            );
            let url = row.base_url.as_deref().unwrap();
            let host = url.split_once("://").unwrap().1;
            // What replaces a path has no places, so that the path that it replaces needs none.
            let path = host.split_once('/').map_or("", |(_, path)| path);
            assert!(!path.contains('{') && path != other.path.trim_start_matches('/'));
            assert!(!other.path.ends_with('/'), "{name}");
            // The key of a client is written once, so its models may not need it in two ways.
            assert!(row.newer.is_none() || other.auth.is_none(), "{name}");
        }
    }
}
