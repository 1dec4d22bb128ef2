//! The settings of a client, from the keywords of Python.

use std::borrow::Cow;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::config::{
    self, ClientCertificate, ClientConfig, Family, Secret, TimeoutSetting, TlsSettings,
};

use super::keywords::{self, pairs, refuse_others, secret_pairs};
use super::limits::{self, Limits, RetryPolicy};

/// Reads the settings of a client. Python has already checked their types; unknown names are refused here.
pub(crate) fn read(
    py: Python<'_>,
    model: String,
    family: Family,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<ClientConfig> {
    let mut known = Vec::with_capacity(16);
    // The string of each name is made once.
    macro_rules! setting {
        ($name:literal) => {{
            known.push($name);
            let value = settings.map_or(Ok(None), |it| it.get_item(intern!(py, $name)))?;
            value.filter(|value| !value.is_none())
        }};
    }
    let text = |value: Option<Bound<'_, PyAny>>| -> PyResult<Option<String>> {
        value.map(|value| value.extract()).transpose()
    };
    let config = ClientConfig {
        model,
        family,
        api: text(setting!("api"))?,
        base_url: text(setting!("base_url"))?,
        base_url_name: text(setting!("base_url_name"))?
            .map_or(Cow::Borrowed("base_url"), Cow::Owned),
        api_key: text(setting!("api_key"))?.map(Secret::new),
        key_name: text(setting!("key_name"))?.map_or(Cow::Borrowed("api_key"), Cow::Owned),
        no_key: text(setting!("no_key"))?,
        no_address: text(setting!("no_address"))?,
        headers: setting!("headers")
            .map_or(Ok(Vec::new()), |value| secret_pairs(&value, "headers"))?,
        headers_from: setting!("headers_from")
            .map_or(Ok(Vec::new()), |value| pairs(&value, "headers_from"))?,
        timeout: setting!("timeout")
            .map_or(Ok(TimeoutSetting::Off), |value| limits::timeout(&value))?,
        limits: match setting!("limits") {
            Some(value) => value.cast::<Limits>()?.get().0,
            None => config::Limits::default(),
        },
        retry: match setting!("retry") {
            Some(value) => value.cast::<RetryPolicy>()?.get().0.clone(),
            None => config::RetryPolicy::default(),
        },
        tls: TlsSettings {
            ca_bundle: setting!("ca_bundle")
                .map(|value| value.extract())
                .transpose()?,
            client_cert: setting!("client_cert")
                .map(|value| certificate(&value))
                .transpose()?,
        },
        proxy: text(setting!("proxy"))?.map(Secret::new),
        transport: setting!("transport")
            .map(|value| keywords::transport(&value))
            .transpose()?,
        compression: setting!("compression").map_or(Ok(false), |value| value.extract())?,
        trust_env: setting!("trust_env").map_or(Ok(true), |value| value.extract())?,
    };
    refuse_others(settings, &known)?;
    Ok(config)
}

/// A client's certificate, from the paths of two files and the password of the key.
pub(crate) fn certificate(value: &Bound<'_, PyAny>) -> PyResult<ClientCertificate> {
    let (chain, key, password): (_, _, Option<String>) = value.extract()?;
    Ok(ClientCertificate {
        chain,
        key,
        password: password.map(Secret::new),
    })
}
