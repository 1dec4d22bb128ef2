//! Which parameters a dialect takes at a provider, and what is said of a name that it does not know.

use super::dialect::{Dialect, Provider};
use super::nearest::nearest;
use super::params::Param;
use crate::config;
use crate::error::{Error, ErrorKind};

/// Names of the parameters that a dialect takes at a provider, in the order of its table.
#[must_use]
pub fn supported(dialect: &dyn Dialect, provider: &Provider) -> Vec<&'static str> {
    let names = dialect.parameters().iter().map(|param| param.name);
    names
        .filter(|name| !provider.lacks.contains(name))
        .collect()
}

/// The parameter of this name.
///
/// Fails with `Config` where `dialect` has none; the message names the dialect of `provider` that does.
pub(super) fn find(
    dialect: &dyn Dialect,
    provider: &Provider,
    name: &str,
) -> Result<&'static Param, Error> {
    let in_table = |dialect: &dyn Dialect| {
        let mut table = dialect.parameters().iter();
        table.find(|param| param.name == name)
    };
    if let Some(param) = in_table(dialect) {
        return Ok(param);
    }
    let others = provider.dialects.iter();
    let other = others.copied().find(|other| in_table(*other).is_some());
    let hint = match (name, other) {
        (_, None) if config::CLIENT_SETTINGS.contains(&name) => {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "params.{name}: it is a setting of the client: give {name}= to ChatClient(…), CompletionClient(…) or with_options(…)"
                ),
            ));
        }
        ("stream", _) => {
            return Err(Error::new(
                ErrorKind::Config,
                "params.stream: which form is used is said by the method: stream(…), or run(…, stream=True)",
            ));
        }
        ("top_logprobs", _) => "logprobs=k asks for the k likeliest tokens".to_owned(),
        (_, Some(other)) if other.family() == dialect.family() => {
            format!("api=\"{}\" takes it", other.name())
        }
        (_, Some(other)) => format!("{} takes it", other.family().client()),
        _ => match nearest(name, dialect.parameters().iter().map(|param| param.name)) {
            Some(near) => format!("did you mean {near}?"),
            None => "the provider may know it".to_owned(),
        },
    };
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "params.{name}: {} has no such parameter; {hint} (extra_body sends a key as it is)",
            dialect.title()
        ),
    ))
}
