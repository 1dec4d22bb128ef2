//! What the name of a model says about it: what it is based on, and its version.

/// The model that a fine-tuned one (`ft:gpt-4o:acme::id`) is based on; any other name as it is.
pub(super) fn base(model: &str) -> &str {
    match model.strip_prefix("ft:") {
        Some(tuned) => tuned.split(':').next().unwrap_or_default(),
        None => model,
    }
}

/// The version that follows the name of a family, such as `gpt-`: (5, 4) for `gpt-5.4-mini`. `None` for a model of another
/// family, or one whose version is not a number, such as `gpt-4o`.
pub(super) fn version(model: &str, family: &str) -> Option<(u32, u32)> {
    let rest = model.strip_prefix(family)?;
    // A date or a size follows a hyphen, and a tag of a gateway a colon.
    let number = rest.split(['-', ':']).next().unwrap_or_default();
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_after_the_name_of_the_family() {
        for (model, expected) in [
            ("gpt-5.4-mini", Some((5, 4))),
            ("gpt-5", Some((5, 0))),
            ("gpt-5.10", Some((5, 10))),
            ("gpt-5.6:free", Some((5, 6))),
            ("gpt-35-turbo", Some((35, 0))),
            ("gpt-4o", None),
            ("gpt-5.4x", None),
            ("gpt-oss-120b", None),
            ("grok-4", None),
            ("gpt-", None),
        ] {
            assert_eq!(version(model, "gpt-"), expected, "{model}");
        }
    }

    #[test]
    fn a_fine_tuned_model_is_based_on_another_one() {
        assert_eq!(base("ft:gpt-4o-mini:acme:my-pro-model:id"), "gpt-4o-mini");
        assert_eq!(base("ft:o4-mini"), "o4-mini");
        assert_eq!(base("gpt-5.6:free"), "gpt-5.6:free");
    }
}
