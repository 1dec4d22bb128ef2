//! How a request carries the key of its provider.

use std::borrow::Cow;

/// How a request carries the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// As `authorization: Bearer …`.
    Bearer,
    /// Alone, in the header of this name, which is in lower case.
    Header(Cow<'static, str>),
    /// A key alone in a header, and a token as `authorization: Bearer …`.
    KeyOrToken(KeyOrToken),
}

/// How a provider that takes a key or a token tells them apart. A JSON web token is a token for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrToken {
    /// The header of a key, in lower case.
    pub header: Cow<'static, str>,
    /// How other tokens begin.
    pub prefixes: &'static [&'static str],
    /// The environment variables that hold a token, whatever it looks like.
    pub token_vars: &'static [&'static str],
}

impl KeyOrToken {
    /// Whether `key`, which is from `source`, is a token.
    fn is_token(&self, key: &str, source: &str) -> bool {
        let begins = |prefix: &&str| key.starts_with(*prefix);
        self.token_vars.contains(&source)
            || self.prefixes.iter().any(begins)
            // Three parts, the first of which is a JSON object in base64.
            || (key.starts_with("eyJ") && key.matches('.').count() == 2)
    }
}

impl Auth {
    /// The key in the header of this name, which is in lower case.
    #[must_use]
    pub fn in_header(name: Cow<'static, str>) -> Self {
        match &*name {
            "authorization" => Self::Bearer,
            _ => Self::Header(name),
        }
    }

    /// Name of the header that carries the key.
    #[must_use]
    pub fn header(&self) -> &str {
        match self {
            Self::Bearer => "authorization",
            Self::Header(name) => name,
            Self::KeyOrToken(kinds) => &kinds.header,
        }
    }

    /// Names of all headers that may carry it.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        let second = matches!(self, Self::KeyOrToken(_)).then_some("authorization");
        std::iter::once(self.header()).chain(second)
    }

    /// The header that carries this key, and its value. `source` is what messages call the key: its variable, if it is
    /// from one.
    pub(crate) fn carried(&self, key: &str, source: &str) -> (&str, String) {
        match self {
            Self::KeyOrToken(kinds) if kinds.is_token(key, source) => {
                ("authorization", format!("Bearer {key}"))
            }
            Self::Bearer => (self.header(), format!("Bearer {key}")),
            Self::Header(_) | Self::KeyOrToken(_) => (self.header(), key.to_owned()),
        }
    }
}
