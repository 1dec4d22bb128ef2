//! Enums whose variants are words: each has the same word in JSON, in Python and in messages.

/// The text is not a word of the enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown word; it must be one of {}", known.join(", "))]
pub struct UnknownWord {
    /// All words.
    pub known: &'static [&'static str],
}

/// Declares an enum with a word for each variant, which `as_str`, `FromStr` and serde all use.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $($(#[$about_variant:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$about_variant])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of every variant.
            const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of this variant.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord { known: Self::WORDS }),
                }
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use crate::error::{ErrorKind, Phase};
    use crate::message::FinishReason;

    fn each_is_its_word<T>(all: &[T], as_str: fn(T) -> &'static str)
    where
        T: Copy + PartialEq + std::fmt::Debug + FromStr + Serialize + DeserializeOwned,
        T::Err: std::fmt::Debug + std::fmt::Display,
    {
        for value in all {
            let word = as_str(*value);
            assert_eq!(word.parse::<T>().unwrap(), *value);
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(json, format!("{word:?}"));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *value);
            // The word is the name of the variant, so that a search for one finds the other.
            let name = format!("{value:?}").to_lowercase();
            assert_eq!(word.replace('_', ""), name);
        }
        let words: Vec<_> = all.iter().map(|value| as_str(*value)).collect();
        let error = "nonsense".parse::<T>().err().unwrap().to_string();
        assert!(error.ends_with(&words.join(", ")), "{error}");
        let error = serde_json::from_str::<T>("\"nonsense\"").unwrap_err();
        assert!(error.to_string().contains("nonsense"), "{error}");
    }

    #[test]
    fn an_enum_of_words_reads_and_writes_the_same_word_everywhere() {
        each_is_its_word(ErrorKind::ALL, ErrorKind::as_str);
        each_is_its_word(Phase::ALL, Phase::as_str);
        each_is_its_word(FinishReason::ALL, FinishReason::as_str);
    }
}
