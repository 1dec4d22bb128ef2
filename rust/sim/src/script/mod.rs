//! What the simulator does: a default behaviour and an ordered list of rules.
//!
//! The first rule that matches and is not used up answers the request, otherwise the default
//! does. A rule's `then` inherits nothing from the default except its `pacing`.
//!
//! Read `matching` first (which requests a rule takes), then `behaviour` (what it does with them),
//! `body` (what it sends) and `fault` (what goes wrong). `accept` is about new connections.
//! `active` is a script in use, with the counters of its rules and the replies it `stored`.
//!
//! ```
//! let script = tokenwire_sim::Script::parse(
//!     r#"{
//!         "default": {"pacing": {"tokens": 64, "per_token_us": 10000}},
//!         "rules": [
//!             {"match": {"model": "flaky"}, "times": 2,
//!              "then": {"error": {"status": 503, "headers": {"retry-after": "0.1"}}}},
//!             {"match": {"stream": true, "body": "cut me"},
//!              "then": {"fault": {"kind": "reset", "at": {"events": 3}}}}
//!         ]
//!     }"#,
//! )?;
//! assert_eq!(script.rules.len(), 2);
//! # Ok::<(), tokenwire_sim::ScriptError>(())
//! ```

mod accept;
mod active;
mod behaviour;
mod body;
mod fault;
mod matching;
mod stored;

use serde::{Deserialize, Serialize};

pub use self::accept::Accept;
pub(crate) use self::active::{ActiveScript, Prepared};
pub use self::behaviour::{Behaviour, Framing, Pacing};
pub use self::body::{Chunking, ErrorReply, Replay, Reply, ToolCallReply};
pub use self::fault::{Fault, Position};
pub(crate) use self::matching::Asked;
pub use self::matching::Match;
pub(crate) use self::stored::Stored;

/// Everything that a simulator is asked to do. The module has an example.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Answers every request that no rule takes.
    pub default: Behaviour,
    /// Tried in order; the first that matches answers.
    pub rules: Vec<Rule>,
    /// What happens to a new connection before its first byte.
    pub accept: Accept,
    /// The only API key that is accepted; another one, or none, is a 401. `None` accepts any
    /// request, with or without a key.
    pub require_key: Option<String>,
    /// The models that exist; any other is a 404. `None` accepts every name.
    pub models: Option<Vec<String>>,
}

/// One rule: `{"match": {...}, "times": 1, "then": {...}}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Which requests it takes; an empty match takes all.
    #[serde(rename = "match")]
    pub matching: Match,
    /// How many requests it answers before it is used up; `None` means any number.
    pub times: Option<u64>,
    /// What it does with them.
    pub then: Behaviour,
}

impl Script {
    /// Reads a script from JSON. An unknown field is an error that names it.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let script: Self = serde_json::from_str(json)?;
        script.check()?;
        Ok(script)
    }

    /// Checks what the types cannot: header text, base64, status codes.
    fn check(&self) -> Result<(), ScriptError> {
        self.default.check("default")?;
        for (index, rule) in self.rules.iter().enumerate() {
            rule.then.check(&format!("rules[{index}].then"))?;
        }
        Ok(())
    }
}

/// Why a script was refused. It names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad script: {0}")]
pub struct ScriptError(pub(crate) String);

impl From<serde_json::Error> for ScriptError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
