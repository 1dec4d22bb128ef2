//! The path of a request, which names the model.

use std::fmt::Write;

use crate::error::Error;
use crate::request::Request;
use crate::wire::body::invalid;
use crate::wire::providers::Provider;

/// The path below the base URL, which is percent-encoded.
///
/// Fails for a name of a model that no path can have.
pub(super) fn path(request: &Request<'_>, provider: &Provider) -> Result<String, Error> {
    let verb = if request.stream {
        "streamGenerateContent"
    } else {
        "generateContent"
    };
    let model = &*request.model;
    let is_no_name = |segment: &str| matches!(segment, "" | "." | "..");
    if model.split('/').any(is_no_name) {
        let shown = model.escape_debug();
        return Err(invalid(format!(
            "model: {shown} has an empty or dotted segment; give a name such as gemini-3-flash-preview"
        )));
    }
    let mut path = String::new();
    for segment in resource(model, provider.is_vertex).split('/') {
        path.push('/');
        for byte in segment.bytes() {
            // RFC 3986, section 2.3; a colon would begin the verb.
            if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
                path.push(char::from(byte));
            } else {
                // A string cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    Ok(format!("{path}:{verb}"))
}

/// The name of the model as a resource. One that names its collection stays as it is, as in Google's libraries.
fn resource(model: &str, is_vertex: bool) -> String {
    let named = [
        "models/",
        "tunedModels/",
        "publishers/",
        "endpoints/",
        "projects/",
    ];
    if named.iter().any(|start| model.starts_with(start)) {
        return model.to_owned();
    }
    match (is_vertex, model.split_once('/')) {
        (false, _) => format!("models/{model}"),
        (true, None) => format!("publishers/google/models/{model}"),
        (true, Some((publisher, name))) => format!("publishers/{publisher}/models/{name}"),
    }
}
