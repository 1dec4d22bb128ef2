//! Where a call goes, and in which dialect.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Inner, address, home, vertex};
use crate::error::Error;
use crate::http::Target;
use crate::redact::Secret;
use crate::wire::{self, At, Dialect};

impl Inner {
    /// The dialect that `model` is asked in.
    pub(super) fn dialect_for(&self, model: &str) -> Result<&'static dyn Dialect, Error> {
        if model == self.config.model {
            return Ok(self.dialect);
        }
        let config = &self.config;
        let api = config.api.as_deref();
        wire::choose(&self.provider, config.family, api, model, self.at)
    }

    /// The version that `dialect` adds to a base URL. What is below a project of Vertex has it before the project.
    pub(super) fn version(&self, dialect: &dyn Dialect) -> Option<&'static str> {
        dialect.version().filter(|_| !self.provider.is_vertex)
    }

    /// The target of `path` with `query`, for a call of `model` in `dialect`.
    pub(super) fn target(
        &self,
        dialect: &dyn Dialect,
        path: &str,
        model: Option<&str>,
        query: &[(String, Secret)],
    ) -> Result<Arc<Target>, Error> {
        if let Some(azure) = &self.azure {
            return Target::new(address::below(
                &azure.base(path, model, query)?,
                path,
                query,
            ));
        }
        if self.provider.is_vertex && model.is_some() {
            vertex::check_express(&self.base, dialect, &self.config)?;
        }
        let is_usual = dialect.name() == self.dialect.name();
        let target = || {
            let mut base = Cow::Borrowed(&self.base);
            if !is_usual && self.at != At::Elsewhere {
                home::go_to(base.to_mut(), &self.provider, dialect);
            }
            let base = address::versioned(&base, self.version(dialect));
            Target::new(address::below(&base, path, query))
        };
        if !query.is_empty() || !is_usual {
            return target();
        }
        match self.usual.get() {
            Some((usual, target)) if usual == path => Ok(Arc::clone(target)),
            known => {
                let target = target()?;
                if known.is_none() {
                    let _ = self.usual.set((path.to_owned(), Arc::clone(&target)));
                }
                Ok(target)
            }
        }
    }
}
