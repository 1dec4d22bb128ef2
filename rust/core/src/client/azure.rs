//! Where the APIs of an Azure resource are.
//!
//! A resource, `https://NAME.openai.azure.com`, has two sets of them below `/openai`:
//!
//! - `/openai/v1/…`, which names a deployment by the request's model. Its api-version may be left out; it is a word,
//!   such as `preview`.
//! - `/openai/deployments/DEPLOYMENT/…`, the classic one, which requires an api-version: a date, as in `2024-10-21`. Its
//!   Responses API is at `/openai/responses`, and names a deployment by the request's model.
//!
//! Source: Microsoft, "Azure `OpenAI` in Microsoft Foundry Models v1 API" and "Azure `OpenAI` REST API reference".

use url::Url;

use super::address::shown;
use super::check::refused;
use crate::config::variable;
use crate::error::Error;
use crate::http::host::is_quoted;
use crate::redact::Secret;
use crate::wire::Provider;

/// The variable that Azure's SDK reads the api-version from.
const VERSION_VARIABLE: &str = "OPENAI_API_VERSION";

const VERSION: &str = "api-version";

/// The path of the API that is not below a deployment.
const RESPONSES: &str = "/responses";

/// A resource whose base URL leaves open which API is called, or names a deployment.
#[derive(Debug)]
pub(super) struct Resource {
    /// The URL up to `/openai`, with the query of the base URL.
    root: Url,
    deployment: Option<String>,
}

impl Resource {
    /// The resource that the base URL of a client names, if its provider is Azure; see [`Self::of`].
    pub(super) fn of_client(base: &mut Url, provider: &Provider) -> Result<Option<Self>, Error> {
        if !provider.is_azure {
            return Ok(None);
        }
        Self::of(base, variable(VERSION_VARIABLE).as_deref())
    }

    /// The resource that a base URL names; `None` if the URL has another path, which is then used as it is. `version`
    /// is the api-version of a URL that has none.
    ///
    /// `base` is changed to what calls go to, as far as it is known before the call.
    fn of(base: &mut Url, version: Option<&str>) -> Result<Option<Self>, Error> {
        let path = base.path().trim_end_matches('/').to_owned();
        if is_project(base, &path) {
            base.set_path(&format!("{path}/openai/v1"));
            return Ok(None);
        }
        let (prefix, deployment) = match path.split_once("/openai/deployments/") {
            Some((prefix, name)) if !name.contains('/') => (prefix, Some(name.to_owned())),
            _ if matches!(&*path, "" | "/openai" | "/openai/deployments") => ("", None),
            _ => return Ok(None),
        };
        let mut root = base.clone();
        root.set_path(&format!("{prefix}/openai"));
        if let Some(version) = version.map(str::trim).filter(|version| !version.is_empty())
            && version_of(&root, &[]).is_none()
        {
            check_version(version)?;
            root.query_pairs_mut().append_pair(VERSION, version);
        }
        *base = root.clone();
        match &deployment {
            Some(name) => base.set_path(&format!("{}/deployments/{name}", root.path())),
            None if version_of(&root, &[]).is_some_and(|version| is_date(&version)) => {}
            None => base.set_path(&format!("{}/v1", root.path())),
        }
        Ok(Some(Self { root, deployment }))
    }

    /// The base URL of a call of `path` for `model` with `query`; None stands for a call that names no model.
    pub(super) fn base(
        &self,
        path: &str,
        model: Option<&str>,
        query: &[(String, Secret)],
    ) -> Result<Url, Error> {
        let model = model.filter(|_| !path.starts_with(RESPONSES));
        let version = version_of(&self.root, query);
        let is_classic = version.as_deref().is_some_and(is_date);
        let mut base = self.root.clone();
        let mut below = |parts: &[&str]| {
            // Only a URL without a host has no path.
            if let Ok(mut path) = base.path_segments_mut() {
                path.extend(parts);
            }
        };
        match (&self.deployment, model) {
            (Some(name), Some(_)) => {
                base.set_path(&format!("{}/deployments/{name}", self.root.path()));
                if version.is_none() && is_of_azure(&base) {
                    return Err(refused(format!(
                        "base_url={} names a deployment, which Azure serves only with an api-version: add \
                         ?{VERSION}=2024-10-21 or set {VERSION_VARIABLE}",
                        shown(&base, None)
                    )));
                }
            }
            (None, Some(model)) if is_classic => below(&["deployments", model]),
            // In the classic API, these are directly below the root.
            (_, None) if is_classic => {}
            _ => below(&["v1"]),
        }
        Ok(base)
    }
}

/// Refuses what cannot be the api-version in the variable, such as a line of a shell script.
fn check_version(version: &str) -> Result<(), Error> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if version.chars().all(is_part) {
        return Ok(());
    }
    let why = if is_quoted(version) {
        "is in quotes: leave them out"
    } else {
        "is not an api-version: write one such as 2024-10-21 or preview"
    };
    Err(refused(format!("{VERSION_VARIABLE} {why}")))
}

/// The api-version of a call: a parameter of the call replaces that of the base URL.
fn version_of(base: &Url, query: &[(String, Secret)]) -> Option<String> {
    let of_call = query.iter().rfind(|(name, _)| name == VERSION);
    let of_call = of_call.map(|(_, value)| value.expose().to_owned());
    of_call.or_else(|| {
        let mut pairs = base.query_pairs();
        let found = pairs.find(|(name, _)| name == VERSION);
        found.map(|(_, value)| value.into_owned())
    })
}

/// Versions of the classic API begin with a date; others are words.
fn is_date(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether this is the address of a project, as the Foundry portal shows it.
fn is_project(base: &Url, path: &str) -> bool {
    let name = path.strip_prefix("/api/projects/");
    let is_of_foundry = base
        .host_str()
        .is_some_and(|host| host.contains(".services.ai.azure."));
    is_of_foundry && name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// Whether this is a host of Azure itself, in one of its clouds, and not a gateway in front of it.
fn is_of_azure(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    [".azure.com", ".azure.us", ".azure.cn"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = "/chat/completions";

    fn asked(base: &str, version: Option<&str>, query: &[(&str, &str)]) -> [String; 3] {
        let mut base = Url::parse(base).unwrap();
        let resource = Resource::of(&mut base, version).unwrap();
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())))
            .collect();
        let of = |model: Option<&str>| match &resource {
            Some(resource) => resource.base(CHAT, model, &query).unwrap().to_string(),
            None => base.to_string(),
        };
        [base.to_string(), of(Some("gpt 4o/x")), of(None)]
    }

    const HOSTS: [&str; 7] = [
        "https://me.openai.azure.com",
        "https://me.cognitiveservices.azure.com",
        "https://me.services.ai.azure.com",
        "https://me.openai.azure.us",
        "https://me.openai.azure.cn",
        "https://gateway.example",
        "http://127.0.0.1:8000",
    ];

    #[test]
    fn a_root_gets_the_path_of_the_v1_api() {
        for host in HOSTS {
            let v1 = format!("{host}/openai/v1");
            for path in ["", "/", "/openai", "/openai/"] {
                let found = asked(&format!("{host}{path}"), None, &[]);
                assert_eq!(found, [&*v1, &v1, &v1], "{path}");
            }
            // A version that is a word belongs to the v1 API.
            let preview = format!("{v1}?api-version=preview");
            let found = asked(
                &format!("{host}?api-version=preview"),
                Some("2024-10-21"),
                &[],
            );
            assert_eq!(found, [&*preview, &preview, &preview]);
        }
    }

    #[test]
    fn a_dated_version_calls_the_deployment_of_the_model() {
        for host in HOSTS {
            let query = "?api-version=2024-10-21";
            let root = format!("{host}/openai{query}");
            let deployment = format!("{host}/openai/deployments/gpt%204o%2Fx{query}");
            for (url, version) in [
                (format!("{host}/{query}"), None),
                (format!("{host}/openai{query}"), Some("2023-05-15")),
                (host.to_owned(), Some(" 2024-10-21\r\n")),
            ] {
                assert_eq!(
                    asked(&url, version, &[]),
                    [&*root, &deployment, &root],
                    "{url}"
                );
            }
        }
    }

    #[test]
    fn the_version_of_a_call_decides_for_that_call() {
        let dated = [("api-version", "2024-10-21")];
        let found = asked("https://me.openai.azure.com", None, &dated);
        // The query itself is added with the other parameters of the call.
        assert_eq!(
            found[1],
            "https://me.openai.azure.com/openai/deployments/gpt%204o%2Fx"
        );
        let word = [("api-version", "preview")];
        let found = asked("https://me.openai.azure.com", Some("2024-10-21"), &word);
        assert!(
            found[1].starts_with("https://me.openai.azure.com/openai/v1?"),
            "{found:?}"
        );
    }

    #[test]
    fn a_deployment_in_the_base_url_is_the_one_that_is_called() {
        for host in HOSTS
            .map(str::to_owned)
            .into_iter()
            .chain(["https://g.example/team".to_owned()])
        {
            let url = format!("{host}/openai/deployments/mine?api-version=2024-10-21");
            let models = format!("{host}/openai?api-version=2024-10-21");
            assert_eq!(asked(&url, None, &[]), [&*url, &url, &models]);
            let bare = format!("{host}/openai/deployments/mine");
            assert_eq!(
                asked(&bare, Some("2024-10-21"), &[]),
                [&*url, &url, &models]
            );
        }
    }

    #[test]
    fn responses_are_never_below_a_deployment() {
        const DATED: &str = "?api-version=2025-04-01-preview";
        for (base, api) in [
            ("", "/openai/v1".to_owned()),
            ("/openai/deployments/mine", "/openai/v1".to_owned()),
            (DATED, format!("/openai{DATED}")),
            (
                &format!("/openai/deployments/mine{DATED}"),
                format!("/openai{DATED}"),
            ),
        ] {
            const HOST: &str = "https://me.openai.azure.com";
            let mut url = Url::parse(&format!("{HOST}{base}")).unwrap();
            let resource = Resource::of(&mut url, None).unwrap().unwrap();
            let found = resource.base("/responses", Some("m"), &[]).unwrap();
            assert_eq!(found.as_str(), format!("{HOST}{api}"), "{base}");
        }
    }

    #[test]
    fn azure_serves_a_deployment_only_with_a_version() {
        let mut base = Url::parse("https://me.openai.azure.com/openai/deployments/mine").unwrap();
        let resource = Resource::of(&mut base, None).unwrap().unwrap();
        let error = resource.base(CHAT, Some("m"), &[]).unwrap_err();
        assert!(
            error.message().contains("api-version=2024-10-21"),
            "{error}"
        );
        let query = [(VERSION.to_owned(), Secret::new("2024-10-21".to_owned()))];
        assert_eq!(resource.base(CHAT, Some("m"), &query).unwrap(), base);
        // A gateway may add it.
        let mut base = Url::parse("https://g.example/openai/deployments/mine").unwrap();
        let resource = Resource::of(&mut base, None).unwrap().unwrap();
        assert_eq!(resource.base(CHAT, Some("m"), &[]).unwrap(), base);
    }

    #[test]
    fn a_variable_that_holds_no_version_is_named() {
        for (version, why) in [
            ("\"2024-10-21\"", "in quotes"),
            ("'preview", "in quotes"),
            ("\u{feff}2024-10-21", "not an api-version"),
            ("OPENAI_API_VERSION=2024-10-21", "not an api-version"),
            ("2024-10-21 # stable", "not an api-version"),
            ("2024-10-21&x=y", "not an api-version"),
            ("2024\u{2013}10\u{2013}21", "not an api-version"),
            ("$VERSION", "not an api-version"),
        ] {
            let mut base = Url::parse("https://me.openai.azure.com").unwrap();
            let error = Resource::of(&mut base, Some(version)).unwrap_err();
            let message = error.message();
            assert!(
                message.starts_with("OPENAI_API_VERSION is "),
                "{version}: {message}"
            );
            assert!(message.contains(why), "{version}: {message}");
            // It is not read where the base URL has another one, or another path.
            for url in [
                "https://me.openai.azure.com?api-version=preview",
                "https://g.example/llm",
            ] {
                Resource::of(&mut Url::parse(url).unwrap(), Some(version)).unwrap();
            }
        }
        let mut base = Url::parse("https://me.openai.azure.com").unwrap();
        assert!(Resource::of(&mut base, Some(" \r\n")).is_ok());
    }

    #[test]
    fn every_other_path_is_used_as_it_is() {
        for url in [
            "https://me.openai.azure.com/openai/v1",
            "https://me.services.ai.azure.com/models?api-version=2024-05-01-preview",
            "https://gateway.example/llm",
            "https://gateway.example/llm/openai",
            "https://gateway.example/api/projects/p",
            "https://me.openai.azure.com/openai/deployments/mine/extra",
        ] {
            assert_eq!(asked(url, Some("2024-10-21"), &[]), [url; 3]);
        }
        let project = "https://me.services.ai.azure.com/api/projects/p";
        let v1 = format!("{project}/openai/v1");
        assert_eq!(asked(project, Some("2024-10-21"), &[]), [&*v1, &v1, &v1]);
    }
}
