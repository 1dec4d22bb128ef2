//! The rows of the clouds, where an address has places, and several publishers serve their models.

use super::rows::{GOOGLE_TOKENS, WITH_RESPONSES, messages_at, openai_shaped};
use super::{PathOf, Provider};
use crate::wire::anthropic::Messages;
use crate::wire::auth::{Auth, KeyOrToken};
use crate::wire::cache_marks::CacheMarks;
use crate::wire::choice::Newer;
use crate::wire::gemini::Gemini;
use crate::wire::openai::{Chat, Responses};
use crate::wire::reasoning::ReasoningBack;

/// A resource of Azure. Its variables are those of Microsoft's and `OpenAI`'s libraries, and our own for the base URL.
pub(super) fn azure() -> Provider {
    Provider {
        base_url: Some("https://{resource}.openai.azure.com".into()),
        address_vars: vec![("resource".into(), vec!["AZURE_RESOURCE_NAME".into()])],
        key_vars: ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"]
            .map(Into::into)
            .to_vec(),
        base_url_vars: ["AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"]
            .map(Into::into)
            .to_vec(),
        key_required: true,
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "api-key".into(),
            prefixes: &[],
            token_vars: &["AZURE_OPENAI_AD_TOKEN"],
        }),
        is_azure: true,
        // Models are named by deployments, whose names say nothing about them: chat is what all of them serve.
        dialects: WITH_RESPONSES,
        max_tokens_field: "max_completion_tokens".into(),
        reasoning_back: ReasoningBack::Never,
        lacks: &["top_k"],
        ..openai_shaped("azure")
    }
}

/// Anthropic's models in Microsoft Foundry. Its variables and its key's header are those of Anthropic's SDK
/// (`lib/foundry.py`).
pub(super) fn foundry() -> Provider {
    Provider {
        base_url: Some("https://{resource}.services.ai.azure.com/anthropic".into()),
        address_vars: vec![("resource".into(), vec!["ANTHROPIC_FOUNDRY_RESOURCE".into()])],
        key_vars: vec!["ANTHROPIC_FOUNDRY_API_KEY".into()],
        base_url_vars: vec!["ANTHROPIC_FOUNDRY_BASE_URL".into()],
        key_required: true,
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "api-key".into(),
            prefixes: &[],
            token_vars: &[],
        }),
        dialects: &[&Messages],
        cache_marks: CacheMarks::Control,
        // The SDK has no list for it.
        lists_models: false,
        ..openai_shaped("foundry")
    }
}

/// Bedrock's own address for these APIs; Converse is another one. Sources: docs.aws.amazon.com/bedrock/latest/userguide,
/// "Inference using Anthropic Messages API" and "bedrock-mantle".
pub(super) fn bedrock() -> Provider {
    Provider {
        base_url: Some("https://bedrock-mantle.{region}.api.aws/v1".into()),
        address_vars: vec![(
            "region".into(),
            vec!["AWS_REGION".into(), "AWS_DEFAULT_REGION".into()],
        )],
        key_vars: vec!["AWS_BEARER_TOKEN_BEDROCK".into()],
        key_required: true,
        dialects: &[&Chat, &Responses, &Messages],
        newer: Some(Newer::OF_BEDROCK),
        other_paths: vec![messages_at("/anthropic")],
        cache_marks: CacheMarks::Control,
        ..openai_shaped("bedrock")
    }
}

/// Google's and Anthropic's models on Vertex. `client/vertex.rs` knows its hosts. The variables are those of Google's and Anthropic's
/// SDKs, and for a token that of Terraform's provider, because they read none.
pub(super) fn vertex() -> Provider {
    Provider {
        base_url: Some(
            "https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}"
                .into(),
        ),
        address_vars: vec![
            (
                "region".into(),
                vec!["GOOGLE_CLOUD_LOCATION".into(), "CLOUD_ML_REGION".into()],
            ),
            (
                "project".into(),
                vec![
                    "GOOGLE_CLOUD_PROJECT".into(),
                    "ANTHROPIC_VERTEX_PROJECT_ID".into(),
                ],
            ),
        ],
        key_vars: vec!["GOOGLE_OAUTH_ACCESS_TOKEN".into(), "GOOGLE_API_KEY".into()],
        key_required: true,
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "x-goog-api-key".into(),
            prefixes: GOOGLE_TOKENS,
            token_vars: &["GOOGLE_OAUTH_ACCESS_TOKEN"],
        }),
        is_vertex: true,
        dialects: &[&Gemini, &Messages],
        newer: Some(Newer::OF_VERTEX),
        other_paths: vec![PathOf {
            api: "gemini",
            path: "/v1beta1",
            auth: None,
        }],
        cache_marks: CacheMarks::Control,
        // `models` below a project has those that the caller has trained, and the catalogues of the publishers have others than a
        // region serves.
        lists_models: false,
        lacks: &["store"],
        ..openai_shaped("vertex")
    }
}
