//! What the model `chat` says: a few sentences that quote the prompt and say where they come from.

use super::ask::Answered;

/// The most characters of a prompt that a reply quotes.
const MAX_QUOTE: usize = 80;

/// The most characters of a tool's result that a reply repeats.
const MAX_RESULT: usize = 2000;

const SECOND: [&str; 5] = [
    "This is the simulator of tokenwire, so no model has read it.",
    "No model has read that: this reply comes from the simulator of tokenwire.",
    "I am the simulator of tokenwire, and I can only repeat what I am given.",
    "A real model would answer here. This text was made up by the simulator of tokenwire.",
    "The simulator of tokenwire has no opinion on that, but it can show how a reply arrives.",
];

const THIRD: [&str; 5] = [
    "The words reach you over HTTP, one token after the other, as they would from a provider.",
    "Ask the same thing again, and the reply will be the same.",
    "Name a provider's model in place of this one, and the rest of your code stays as it is.",
    "A script can make it say what a test needs.",
    "Everything else is real: the request, the connection, the stream and the counts.",
];

/// The reply to a prompt. `number` chooses the sentences.
pub(crate) fn reply(prompt: &str, number: u64) -> String {
    let quoted = shortened(prompt, MAX_QUOTE);
    let first = match quoted.as_str() {
        "" => "You sent no text.".to_owned(),
        text if text.ends_with('?') => format!("You asked: \"{text}\""),
        text if text.ends_with(['.', '!']) => format!("You wrote: \"{text}\""),
        text => format!("You wrote: \"{text}\"."),
    };
    format!(
        "{first} {} {}",
        chosen(SECOND, number),
        chosen(THIRD, number / 5)
    )
}

/// The reply to the results of tools.
pub(crate) fn report(results: &[Answered<'_>]) -> String {
    let mut sentences: Vec<String> = results.iter().map(sentence).collect();
    sentences.push("A real model would write its answer from that.".to_owned());
    sentences.join(" ")
}

fn sentence(result: &Answered<'_>) -> String {
    let name = result
        .name
        .map_or_else(String::new, |name| format!(" {name}"));
    let cut: String = result.text.chars().take(MAX_RESULT).collect();
    match cut.trim() {
        "" => format!("The tool{name} returned nothing."),
        text if text.ends_with(['.', '!', '?']) => format!("The tool{name} returned: {text}"),
        text => format!("The tool{name} returned: {text}."),
    }
}

fn chosen(sentences: [&'static str; 5], number: u64) -> &'static str {
    let at = usize::try_from(number % 5).unwrap_or(0);
    sentences.get(at).copied().unwrap_or_default()
}

/// The text in one line, cut after a word.
fn shortened(text: &str, most: usize) -> String {
    let mut short = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let is_full = short.chars().count() + word.chars().count() >= most;
        if is_full {
            if short.is_empty() {
                short.extend(word.chars().take(most));
            }
            return short + " ...";
        }
        if !short.is_empty() && !word.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::{reply, report};
    use crate::reply::ask::Answered;

    #[test]
    fn a_reply_quotes_the_prompt_in_whole_sentences() {
        assert_eq!(
            reply("Why is\nthe sky  blue?", 0),
            "You asked: \"Why is the sky blue?\" This is the simulator of tokenwire, so no model \
             has read it. The words reach you over HTTP, one token after the other, as they would \
             from a provider."
        );
        assert!(reply(" ", 1).starts_with("You sent no text. No model has read that"));
        let long = reply(&"word ".repeat(100), 7);
        assert!(long.starts_with("You wrote: \"word word"), "{long}");
        assert!(long.contains("word ...\" I am the simulator"), "{long}");
        assert!(reply(&"x".repeat(100), 0).contains("xxx ...\""));
    }

    #[test]
    fn replies_of_different_numbers_differ() {
        let mut all: Vec<String> = (0..25).map(|number| reply("hi", number)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 25);
    }

    #[test]
    fn a_report_holds_each_result() {
        let result = |name, text: &str| Answered {
            name,
            text: text.to_owned(),
        };
        let results = [
            result(Some("add"), "42"),
            result(None, "It rains."),
            result(None, ""),
        ];
        assert_eq!(
            report(&results),
            "The tool add returned: 42. The tool returned: It rains. The tool returned nothing. \
             A real model would write its answer from that."
        );
    }
}
