//! How a request carries the key of its provider.

use std::borrow::Cow;

/// How a request carries the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// As `authorization: Bearer …`.
    Bearer,
    /// As Azure takes it: a key alone in `api-key`, and a token of Entra ID as `authorization: Bearer …`.
    Azure,
    /// Alone, in the header of this name, which is in lower case.
    Header(Cow<'static, str>),
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
            Self::Azure => "api-key",
            Self::Header(name) => name,
        }
    }

    /// Names of all headers that may carry it.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        let second = matches!(self, Self::Azure).then_some("authorization");
        std::iter::once(self.header()).chain(second)
    }

    /// The header that carries this key, and its value.
    pub(crate) fn carried(&self, key: &str) -> (&str, String) {
        match self {
            Self::Bearer => (self.header(), format!("Bearer {key}")),
            // A key has no dots. Tokens are JSON web tokens: three parts, the first of which is a JSON object in base64.
            Self::Azure if key.starts_with("eyJ") && key.matches('.').count() == 2 => {
                ("authorization", format!("Bearer {key}"))
            }
            Self::Azure | Self::Header(_) => (self.header(), key.to_owned()),
        }
    }
}
