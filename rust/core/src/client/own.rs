//! The secrets of a client and of a call, which a server may echo.

use std::sync::OnceLock;

use super::headers::{API_KEY, missing_key, names};
use super::{Call, CallOptions, Inner};
use crate::config::Secret;
use crate::redact::{Mask, Secrets};

/// The secrets of one call, and the mask for them and for those of its client.
#[derive(Clone, Default)]
pub(super) struct Own {
    pub(super) api_key: Option<Secret>,
    pub(super) headers: Vec<(String, Secret)>,
    query: Vec<(String, Secret)>,
    // Made when it is first needed.
    pub(super) mask: OnceLock<Mask>,
}

impl Own {
    /// Those that a call was given; `None` if it was given none.
    pub(super) fn of(options: CallOptions) -> Option<Box<Self>> {
        let CallOptions {
            api_key,
            headers,
            query,
            ..
        } = options;
        let has_any = api_key.is_some() || !headers.is_empty() || !query.is_empty();
        has_any.then(|| {
            Box::new(Self {
                api_key,
                headers,
                query,
                mask: OnceLock::new(),
            })
        })
    }

    pub(super) fn mask(&self, client: &Inner) -> &Mask {
        self.mask.get_or_init(|| {
            let mut secrets = Secrets::default();
            client.add_secrets(&mut secrets);
            if let Some(key) = &self.api_key {
                secrets.add(key.expose());
            }
            secrets.add_values(&self.headers);
            secrets.add_values(&self.query);
            secrets.mask()
        })
    }
}

impl Inner {
    /// Masks the secrets of this client.
    pub(super) fn mask(&self) -> &Mask {
        self.mask.get_or_init(|| {
            let mut secrets = Secrets::default();
            self.add_secrets(&mut secrets);
            secrets.mask()
        })
    }

    fn add_secrets(&self, secrets: &mut Secrets) {
        if let Some(key) = &self.config.api_key {
            secrets.add(key.expose());
        }
        secrets.add_values(&self.config.headers);
        for (name, value) in &self.provider.headers {
            secrets.add_value(name, value.expose());
        }
        for (name, value) in self.base.query_pairs() {
            secrets.add_value(&name, &value);
        }
        if let Some(proxy) = &self.route.proxy {
            proxy.add_secrets(secrets);
        }
    }
}

impl Call {
    /// Where the key that it sent came from, or where to put one if it sent none; for the error of a refused key.
    /// `None` if a test intercepts it, because then no key is sent.
    pub(crate) fn about_key(&self) -> Option<String> {
        if self.interception.is_on() {
            return None;
        }
        let (client, own) = (&*self.client, self.own.as_deref());
        let is_of_call = |name: &str| own.is_some_and(|own| names(&own.headers, name));
        let is_from = |name: &&str| is_of_call(name) || client.has_header(name);
        Some(
            if let Some(header) = client.provider.auth.headers().find(is_from) {
                let mut variables = client.config.headers_from.iter();
                let found = variables.find(|(name, _)| name == header && !is_of_call(name));
                let place = found.map_or("headers=", |(_, variable)| variable);
                format!("the key is from {place} ({header})")
            } else if own.is_some_and(|own| own.api_key.is_some()) {
                "the key is from the function given as api_key=".to_owned()
            } else if client.config.api_key.is_none() {
                let named = missing_key(&client.provider.name, &client.provider.key_vars);
                client.config.no_key.clone().unwrap_or(named)
            } else if client.config.key_name == API_KEY {
                "the key is from api_key=".to_owned()
            } else {
                format!("the key is from {}", client.config.key_name)
            },
        )
    }

    /// Masks the secrets of this call. A server may echo what it was sent.
    pub(crate) fn mask(&self) -> &Mask {
        match &self.own {
            Some(own) => own.mask(&self.client),
            None => self.client.mask(),
        }
    }
}
