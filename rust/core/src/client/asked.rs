//! What an error says of the address, when nothing was found there, or something else than the API.

use url::Url;

use super::{Call, address};
use crate::wire::At;

/// How many characters of a URL are shown.
const SHOWN_CHARS: usize = 300;

/// What is mostly wrong where Azure finds nothing.
const AZURE: &str =
    "on Azure, the model is the name of a deployment, and the api-version must be one of its API";

impl Call {
    /// Method and URL of the request, without its query, and what may be wrong with the base URL.
    pub(crate) fn asked(&self) -> String {
        let outgoing = &self.outgoing;
        let base = self.client.has_address.then_some(&self.client.base);
        let url = if self.interception.is_on() {
            // It was meant for the address of its client.
            let sent_to = Url::parse(&outgoing.place.base_url).ok();
            let base_path = sent_to.as_ref().map_or("", Url::path);
            let path = outgoing.target.url.path();
            let path = path.strip_prefix(base_path.trim_end_matches('/'));
            let shown = self
                .client
                .has_address
                .then_some(&*self.client.place.base_url);
            format!("{}{}", shown.unwrap_or_default(), path.unwrap_or_default())
        } else {
            address::shown_by(&outgoing.route, &outgoing.target.url)
        };
        let asked = format!(
            "asked for {} {}",
            outgoing.method,
            crate::redact::one_line(&url, SHOWN_CHARS)
        );
        let default = self.client.provider.base_url.as_deref();
        let mistake = if self.client.provider.is_azure {
            Some(AZURE.to_owned())
        } else if self.dialect.version().is_some() || self.client.at != At::Elsewhere {
            // The version is there, or the whole path is the provider's.
            None
        } else {
            base.and_then(|base| mistake(base, &self.client.place.base_url, default))
        };
        match mistake {
            Some(mistake) => format!("{asked}; {mistake}"),
            None => asked,
        }
    }
}

/// What may be wrong with a base URL, which messages show as `shown`; `default` is that of its provider.
fn mistake(base: &Url, shown: &str, default: Option<&str>) -> Option<String> {
    let usual = default.and_then(|default| Url::parse(default).ok());
    if let Some(usual) = usual.filter(|usual| usual.origin() == base.origin()) {
        let right = address::shown(&usual, None);
        return (usual.path() != base.path()).then(|| format!("base_url is usually {right}"));
    }
    let mut segments = base.path().split('/');
    if segments.any(address::is_version) {
        return None;
    }
    // The path of a socket has an end of its own.
    let colon = if base.path() == "/" && shown.starts_with("unix:") {
        ":"
    } else {
        ""
    };
    let shown = crate::redact::one_line(shown, SHOWN_CHARS);
    Some(format!("base_url has no /v1: does {shown}{colon}/v1 work?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_without_its_usual_path_is_noticed() {
        const GROQ: Option<&str> = Some("https://api.groq.com/openai/v1");
        for (base, default, mistake) in [
            (
                "http://a:8000",
                None,
                Some("base_url has no /v1: does http://a:8000/v1 work?"),
            ),
            (
                "http://a/x",
                GROQ,
                Some("base_url has no /v1: does http://a/x/v1 work?"),
            ),
            (
                "http://a/video",
                None,
                Some("base_url has no /v1: does http://a/video/v1 work?"),
            ),
            ("http://a/v1", None, None),
            ("http://a/api/paas/v4", GROQ, None),
            ("http://a/v1beta/openai", None, None),
            (
                "https://api.groq.com/v1",
                GROQ,
                Some("base_url is usually https://api.groq.com/openai/v1"),
            ),
            ("https://api.groq.com/openai/v1", GROQ, None),
            (
                "https://api.deepseek.com",
                Some("https://api.deepseek.com"),
                None,
            ),
        ] {
            let found = super::mistake(&Url::parse(base).unwrap(), base, default);
            assert_eq!(found.as_deref(), mistake, "{base}");
        }
    }
}
