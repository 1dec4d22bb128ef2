//! Which parts of a call are secret.

use super::Secret;
use super::mask::Mask;

/// A shorter text is not masked: the `x` of a test would mask half of every text.
const SHORTEST: usize = 6;
/// A shorter text of letters alone may be a word, and a shorter one of digits a date or a version.
const NO_WORD: usize = 16;

/// Parts of the names of headers and query parameters whose values are secret, whatever they look like.
const SECRET_NAMES: [&str; 11] = [
    "key",
    "token",
    "secret",
    "auth",
    "passw",
    "cookie",
    "credential",
    "session",
    "sig",
    "code",
    "jwt",
];
/// Parts of the names of those whose values are not: what they say appears in the texts of servers, too.
const OPEN_NAMES: [&str; 19] = [
    "accept",
    "agent",
    "beta",
    "cache-control",
    "content-",
    "deployment",
    "encoding",
    "format",
    "goog-api-client",
    "language",
    "model",
    "organization",
    "project",
    "referer",
    "region",
    "request-id",
    "title",
    "trace",
    "version",
];

/// Collects the secrets of a call for its [`Mask`].
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The mask for all of them.
    #[must_use]
    pub fn mask(self) -> Mask {
        Mask::of(self.0)
    }

    /// Adds a key or a password.
    pub fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.0.push(secret.to_owned());
        }
    }

    /// Adds the values of headers or query parameters, unless they are too common to be masked.
    pub fn add_values(&mut self, values: &[(String, Secret)]) {
        for (name, value) in values {
            self.add_value(name, value.expose());
        }
    }

    /// Adds the value of a header or a query parameter. Also adds its parts: a server may echo the key without
    /// its scheme, or one cookie of several.
    pub fn add_value(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        let is_in = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let is_key = is_in(&SECRET_NAMES);
        if !is_key && is_in(&OPEN_NAMES) {
            return;
        }
        let mut add = |text: &str| {
            if is_key || !is_common(text) {
                self.add(text);
            }
        };
        let value = value.trim();
        let after_scheme = value.split_once(' ').filter(|(scheme, rest)| {
            scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) && !rest.contains(' ')
        });
        add(after_scheme.map_or(value, |(_, rest)| rest));
        if let Some((scheme, rest)) = after_scheme
            && scheme.eq_ignore_ascii_case("basic")
            && let Some(plain) = from_base64(rest)
        {
            add(&plain);
            if let Some((user, password)) = plain.split_once(':') {
                add(user);
                add(password);
            }
        }
        for part in value.split([';', ',', ' ']) {
            if let Some((_, value)) = part.split_once('=') {
                add(value.trim_matches(['"', ' ']));
            }
        }
    }
}

/// Whether a text is a word, a number, a date, a version or a media type.
fn is_common(text: &str) -> bool {
    let media = ["application/", "text/", "audio/", "image/", "multipart/"];
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    media.iter().any(|kind| text.starts_with(kind)) || (text.len() < NO_WORD && !is_mixed)
}

/// The text that base64 stands for, if it is one (RFC 4648, section 4).
fn from_base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            let [.., byte] = (bits >> held).to_be_bytes();
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, value: &str, text: &str) -> String {
        let mut secrets = Secrets::default();
        secrets.add_value(name, value);
        secrets.mask().text(text).into_owned()
    }

    #[test]
    fn the_value_of_a_header_is_masked_with_and_without_its_scheme() {
        for (name, value, echo, masked) in [
            (
                "Authorization",
                "Bearer sk-1234567",
                "got Bearer sk-1234567",
                "got Bearer [key]",
            ),
            (
                "Authorization",
                "Basic dXNlcjE6aHVudGVyMg==",
                "dXNlcjE6aHVudGVyMg== hunter2",
                "[key] [key]",
            ),
            ("X-Gateway-Token", "letmein", "no letmein", "no [key]"),
            ("X-Custom", "opensesame1", "no opensesame1", "no [key]"),
            (
                "Cookie",
                "a=1; session=abcdefgh",
                "session=abcdefgh",
                "session=[key]",
            ),
            (
                "sig",
                "a+b/c==",
                "a+b/c== or a%2Bb%2Fc%3D%3D",
                "[key] or [key]",
            ),
        ] {
            assert_eq!(shown(name, value, echo), masked, "{name}: {value}");
        }
    }

    #[test]
    fn common_values_are_not_masked() {
        for (name, value) in [
            ("Accept", "application/json; charset=utf-8"),
            ("X-Kind", "application/vnd.api+json"),
            ("Accept-Language", "en-GB,en;q=0.9"),
            ("X-Title", "My great application 2"),
            ("OpenAI-Beta", "assistants=v2"),
            ("api-version", "2024-10-21-preview"),
            ("X-Team", "blue"),
            ("X-Goog-Api-Client", "google-genai-sdk/1.2.3 gl-python/3.11"),
            ("X-Stage", "production"),
            ("X-Debug", "true"),
            ("X-Since", "2024-10-21"),
            ("X-Key", "x"),
        ] {
            let text = format!("about {value}");
            assert_eq!(shown(name, value, &text), text, "{name}");
        }
    }
}
