//! What other libraries call our settings and parameters, and what to write here.
//!
//! Sources: the parameters of openai 1.x (`OpenAI`, `AzureOpenAI`, `chat.completions.create`), anthropic, litellm
//! (`completion`), `LangChain` (`ChatOpenAI`), requests, httpx, aiohttp, google-genai, ollama, transformers
//! (`GenerationConfig`) and instructor, as their documentation names them.

use crate::config::CLIENT_SETTINGS;

/// Names of other libraries for one thing.
struct Row {
    /// Their names.
    names: &'static [&'static str],
    /// Our name for it: a setting, a parameter, or a function or class of the package.
    ours: &'static str,
    /// What to write instead. It contains `ours`.
    advice: &'static str,
}

const OF_SERVER: &str = "some servers know it: give it in extra_body={…}, which is sent as it is";

const fn row(names: &'static [&'static str], ours: &'static str, advice: &'static str) -> Row {
    Row {
        names,
        ours,
        advice,
    }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Keys
    row(&["auth_token", "api_token", "openai_api_key", "anthropic_api_key", "google_api_key", "groq_api_key", "azure_openai_api_key", "key", "secret_key", "token", "access_token", "azure_ad_token"], "api_key", "give api_key=\"…\""),
    row(&["azure_ad_token_provider", "token_provider", "credentials", "credential"], "api_key", "give api_key= a function that returns the key or token"),
    row(&["auth"], "api_key", "give api_key=\"…\", or headers={\"Authorization\": \"…\"} for another form"),
    // Addresses and models
    row(&["azure_endpoint"], "base_url", "give base_url=\"https://NAME.openai.azure.com\" and the deployment as the model"),
    row(&["api_base", "openai_api_base", "anthropic_api_url", "endpoint", "endpoint_url", "api_endpoint", "url", "host", "server", "server_url", "api_url", "base_uri", "inference_server_url", "openai_base_url"], "base_url", "give base_url=\"http://host:port/v1\""),
    row(&["uds", "unix_socket", "unix_socket_path", "socket_path"], "base_url", "give base_url=\"unix:///run/vllm.sock:/v1\""),
    row(&["azure_deployment", "deployment", "deployment_name", "deployment_id", "engine"], "model", "give the name of the deployment as the model: \"azure:NAME\""),
    row(&["model_name", "model_id", "llm_model"], "model", "give the model as the first argument of the client, or model= to a call"),
    row(&["custom_llm_provider", "model_provider", "llm_provider"], "provider", "give provider=\"…\", or \"provider:model\" as the model"),
    row(&["api_version", "openai_api_version"], "extra_query", "give extra_query={\"api-version\": \"…\"}, or base_url=\"…?api-version=…\""),
    row(&["openai_proxy", "proxies", "mounts", "http_proxy", "https_proxy", "proxy_url"], "proxy", "give proxy=\"http://host:port\"; without it, the variables of the environment apply"),
    // Headers and queries
    row(&["organization", "openai_organization", "organization_id", "org_id"], "headers", "give headers={\"OpenAI-Organization\": \"org-…\"}"),
    row(&["openai_project", "project_id"], "headers", "give headers={\"OpenAI-Project\": \"proj_…\"}"),
    row(&["default_headers", "http_headers", "custom_headers", "additional_headers"], "headers", "give headers={…}"),
    row(&["extra_header"], "extra_headers", "give extra_headers={…}"),
    row(&["cookies"], "headers", "give headers={\"Cookie\": \"…\"}"),
    row(&["user_agent"], "headers", "give headers={\"User-Agent\": \"…\"}"),
    row(&["default_query", "query", "query_params"], "extra_query", "give extra_query={…}"),
    row(&["extra_kwargs", "additional_model_request_fields"], "extra_body", "give extra_body={…}"),
    // Connections
    row(&["verify", "ssl_verify", "verify_ssl", "ssl", "ssl_context", "ca_certs", "ca_cert", "ca_file", "verify_certs", "ssl_ca_cert"], "ca_bundle", "give ca_bundle=\"roots.pem\" to trust your own certificate; the check cannot be switched off"),
    row(&["cert", "client_certificate", "certfile", "ssl_certfile"], "client_cert", "give client_cert=(\"cert.pem\", \"key.pem\"), with the password of an encrypted key as a third value"),
    row(&["http_client", "http_async_client", "client_session", "session", "client_args", "http_options", "httpx_client"], "proxy", "tokenwire has its own HTTP client; give proxy=, ca_bundle=, client_cert=, limits=, timeout= or headers="),
    row(&["app"], "fake", "tokenwire has its own HTTP client; in a test, use tokenwire.testing.fake"),
    row(&["compress", "gzip"], "compression", "give compression=True, which asks for whole replies in gzip, br or zstd"),
    row(&["connector", "max_connections", "connection_pool_size", "pool_maxsize", "pool_connections", "pool_limits", "max_parallel_requests"], "limits", "give limits=Limits(max_connections=…)"),
    row(&["keepalive_expiry", "keepalive_timeout"], "limits", "give limits=Limits(keepalive=…)"),
    row(&["max_keepalive_connections"], "limits", "give limits=Limits(max_connections=…), which bounds them, too"),
    row(&["request_timeout", "timeout_seconds", "timeout_s", "client_timeout", "api_timeout", "stream_timeout", "default_request_timeout"], "timeout", "give timeout= seconds, or a Timeout(…)"),
    row(&["connect_timeout"], "timeout", "give timeout=Timeout(connect=…)"),
    row(&["read_timeout", "sock_read"], "timeout", "give timeout=Timeout(first_token=…, idle=…)"),
    row(&["num_retries", "retries", "max_attempts", "retry_count", "n_retries"], "max_retries", "give max_retries=…, the attempts after the first one"),
    row(&["retry_policy", "retry_options", "retry_config", "retry_strategy"], "retry", "give retry=RetryPolicy(…)"),
    // Parameters
    row(&["max_tokens_to_sample", "max_output_tokens", "max_new_tokens", "max_gen_len", "num_predict", "n_predict", "max_length"], "max_tokens", "give max_tokens=…"),
    row(&["stop_sequences", "stop_words", "stop_strings", "stops"], "stop", "give stop=[…]"),
    row(&["system_instruction", "system_prompt", "system_message", "instructions", "system_content"], "system", "give system=\"…\", or a message with the role \"system\""),
    row(&["candidate_count", "num_return_sequences", "num_completions", "num_generations"], "n", "give n=…"),
    row(&["response_model", "output_type", "output_schema", "response_schema", "output_cls", "result_type"], "parse", "call parse(Model, prompt), or give response_format=Model"),
    row(&["response_mime_type", "format", "json_mode", "json_schema", "guided_json", "output_format"], "response_format", "give response_format= a type, a JSON schema or {\"type\": \"json_object\"}"),
    row(&["images", "image", "image_url", "image_path", "attachments", "files"], "LlmMessage", "put it into a message: LlmMessage(\"user\", [\"…\", ImagePart(path=\"…\")])"),
    row(&["functions", "function_declarations"], "tools", "give tools=[…]; a plain function may be in the list"),
    row(&["function_call", "tool_config"], "tool_choice", "give tool_choice=…"),
    row(&["do_sample"], "temperature", "give temperature=0 for the most likely tokens"),
    row(&["temp"], "temperature", "give temperature=…"),
    row(&["random_state"], "seed", "give seed=…"),
    row(&["user_id"], "user", "give user=\"…\""),
    row(&["return_full_text"], "echo", "a CompletionClient takes echo=True"),
    row(&["stream_options"], "stream_usage", "streams ask for token counts; give stream_usage=False to switch that off"),
    row(&["params", "generation_config", "generate_config", "model_kwargs", "inference_config", "options", "sampling_params", "default_params", "parameters"], "temperature", "give each parameter by its name, such as temperature=0.2; what only your server knows belongs in extra_body={…}"),
    row(&["messages", "history", "chat_history", "contents", "input", "inputs", "prompt", "prompt_text"], "prompt", "give the prompt, or the list of messages, as the first argument of the call"),
    // Fields that only some servers know. Some are like one of our names, and mean something else.
    row(&["service_tier", "include", "truncation", "max_tool_calls", "context_management", "background_options", "prompt_cache_options", "moderation", "prediction", "modalities", "web_search_options", "prompt_cache_retention", "safety_identifier"], "extra_body", OF_SERVER),
    row(&["reasoning", "thinking", "thinking_budget", "thinking_config", "enable_thinking", "include_reasoning", "reasoning_format", "chat_template", "chat_template_kwargs"], "extra_body", OF_SERVER),
    row(&["repetition_penalty", "repeat_penalty", "repeat_last_n", "min_p", "top_a", "typical_p", "mirostat", "min_tokens", "ignore_eos", "skip_special_tokens", "num_ctx", "keep_alive", "cache_prompt"], "extra_body", OF_SERVER),
    row(&["guided_regex", "guided_choice", "guided_grammar", "grammar", "safety_settings", "safe_prompt", "prompt_mode", "search_parameters", "transforms", "route", "plugins"], "extra_body", OF_SERVER),
    // What is a function here
    row(&["streaming"], "stream", "call stream(…), or run(…, stream=True)"),
    row(&["callbacks", "callback_manager", "callback", "event_hooks", "success_callback", "logger_fn", "hooks"], "on_call", "use tokenwire.on_call(…), which is called after each call"),
    row(&["fallbacks", "context_window_fallback_dict"], "LlmError", "catch LlmError, and call another client"),
    row(&["mock_response", "mock"], "fake", "in a test, use tokenwire.testing.fake"),
    row(&["drop_params"], "drop_unsupported", "give drop_unsupported=True; reply.dropped lists what was left out"),
    row(&["http2", "http1", "follow_redirects", "allow_redirects", "max_redirects"], "docs/connections.md", "there is no such choice, see docs/connections.md; leave this out"),
];

/// What to write instead of a name of another library; `None` if it is not one that we know.
///
/// Capitals, hyphens and underscores do not matter.
#[must_use]
pub fn advice(name: &str) -> Option<String> {
    let wanted = plain(name);
    let row = ROWS
        .iter()
        .find(|row| row.names.iter().any(|known| plain(known) == wanted))?;
    let of_client = if CLIENT_SETTINGS.contains(&row.ours) {
        " (a setting of the client)"
    } else {
        ""
    };
    Some(format!("{}{of_client}", row.advice))
}

/// All names that [`advice`] knows, each with ours.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = ROWS.iter();
    rows.flat_map(|row| row.names.iter().map(|name| (*name, row.ours)))
}

/// A name without what libraries differ in: capitals, hyphens and underscores.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::providers::dialects;

    #[test]
    fn each_row_says_our_name_and_no_name_is_listed_twice_or_ours() {
        let mut seen = Vec::new();
        for row in ROWS {
            assert!(row.advice.contains(row.ours), "{}", row.advice);
            for name in row.names {
                assert!(!seen.contains(&plain(name)), "{name} is listed twice");
                seen.push(plain(name));
                assert!(!CLIENT_SETTINGS.contains(name), "{name}");
            }
        }
        // None of them is a parameter of some dialect.
        for dialect in dialects() {
            for param in dialect.parameters() {
                assert!(!seen.contains(&plain(param.name)), "{}", param.name);
            }
        }
    }

    #[test]
    fn the_spelling_does_not_matter() {
        for name in ["default_headers", "defaultHeaders", "Default-Headers"] {
            assert_eq!(advice(name).as_deref(), Some("give headers={…}"), "{name}");
        }
        assert_eq!(
            advice("verify").map(|text| text.contains("a setting of the client")),
            Some(true)
        );
        assert_eq!(advice("top_kk"), None);
    }
}
