//! Thoughts in the text of an answer, as servers send them that do not part the two.

use super::around::is_blank;

/// How the templates of models mark thoughts before an answer.
const TEMPLATES: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("[THINK]", "[/THINK]"),
    ("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>", "<unused95>"),
];
/// How models mark them because a prompt asks for it.
const PROMPTED: &[(&str, &str)] = &[
    ("<thoughts>", "</thoughts>"),
    ("<analysis>", "</analysis>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
];
/// How they mark an answer after thoughts.
const ANSWERS: &[(&str, &str)] = &[
    ("<answer>", "</answer>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|begin_of_box|>", "<|end_of_box|>"),
    ("<response>", "</response>"),
    ("<output>", "</output>"),
    ("<result>", "</result>"),
    ("<json>", "</json>"),
];

/// The tags around thoughts, with those that a prompt asks for if that is wanted.
pub(super) fn blocks(
    prompted: bool,
) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let prompted = if prompted { PROMPTED } else { &[] };
    TEMPLATES.iter().chain(prompted)
}

/// The ends of thoughts.
pub(super) fn ends() -> impl Iterator<Item = &'static str> {
    blocks(true).map(|(_, end)| *end)
}

/// The tags before an answer.
pub(super) fn answers() -> impl Iterator<Item = &'static str> {
    ANSWERS.iter().map(|(begin, _)| *begin)
}

/// The text without the thoughts at its beginning; `None` if they never end.
pub(super) fn left_out(text: &str) -> Option<&str> {
    let mut rest = text.trim_matches(is_blank);
    while let Some((after, end)) =
        blocks(true).find_map(|(begin, end)| Some((after_tag(rest, begin)?, end)))
    {
        let (at, len) = find(after, end)?;
        rest = after.get(at + len..)?.trim_start_matches(is_blank);
    }
    rest = final_channel(rest)?;
    let answer = ANSWERS.iter().find_map(|(begin, end)| {
        let after = after_tag(rest, begin)?;
        let before = after.len().checked_sub(end.len());
        let ended = before.filter(|at| {
            after
                .get(*at..)
                .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        });
        after.get(..ended.unwrap_or(after.len()))
    });
    Some(answer.unwrap_or(rest))
}

/// What follows the first end of thoughts. Their beginning may be part of the prompt.
pub(super) fn after_end(text: &str) -> Option<&str> {
    let ends = ends().filter_map(|end| find(text, end));
    let (at, len) = ends.min()?;
    text.get(at + len..)
}

/// The message in the channel `final` of `OpenAI`'s Harmony format
/// (<https://cookbook.openai.com/articles/openai-harmony>), or of what is left of it without its special tokens.
fn final_channel(text: &str) -> Option<&str> {
    if let Some(after) = text.strip_prefix("analysis") {
        return Some(
            after
                .split_once("assistantfinal")
                .map_or(text, |(_, answer)| answer),
        );
    }
    if !text.starts_with("<|channel|>") && !text.starts_with("<|start|>") {
        return Some(text);
    }
    let (_, after) = text.split_once("<|channel|>final")?;
    Some(after.split_once("<|message|>")?.1)
}

/// What follows `tag`, if the text begins with it in capital or small letters.
pub(super) fn after_tag<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (begin, rest) = text.split_at_checked(tag.len())?;
    begin.eq_ignore_ascii_case(tag).then_some(rest)
}

/// Where `tag` is in the text, in capital or small letters, and how long it is.
pub(super) fn find(text: &str, tag: &str) -> Option<(usize, usize)> {
    // No tag begins with a letter.
    let first = *tag.as_bytes().first()?;
    memchr::memchr_iter(first, text.as_bytes())
        .find(|at| {
            let there = text.as_bytes().get(*at..at + tag.len());
            there.is_some_and(|there| there.eq_ignore_ascii_case(tag.as_bytes()))
        })
        .map(|at| (at, tag.len()))
}
