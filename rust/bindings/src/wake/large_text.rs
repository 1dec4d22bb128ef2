//! A large `str`, written by another thread.
//!
//! Memory that is touched for the first time is slow, and a `str` of 32 MiB may need a tenth of a second of it. The
//! thread of an event loop would stand still meanwhile. So it only allocates the string, and a worker fills it in before
//! other code sees it.

use std::ffi::c_void;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::message::{Choice, Part, Reply};
use tokenwire_core::stream::Wake;
use tokenwire_core::workers::Workers;

use crate::wake::loop_mailbox::LoopMailbox;
use crate::wake::waiter::Waiter;

/// A text of up to so many bytes becomes a `str` in about 1 ms.
pub(crate) const LARGE_TEXT_BYTES: usize = 256 << 10;

/// How long the text of a choice is.
fn text_bytes(choice: &Choice) -> usize {
    let text = |part: &Part| match part {
        Part::Text { text, .. } => Some(text.len()),
        _ => None,
    };
    choice.parts.iter().filter_map(text).sum()
}

/// What a `str` is allocated for: how many characters there are, and the largest one.
struct Shape {
    characters: isize,
    largest: u32,
}

/// What a worker has done.
enum Done {
    Measured(Shape),
    Written(Py<PyString>),
}

/// Where a worker leaves what it has done, and the waiter that it then wakes.
#[derive(Default)]
struct Slot {
    done: Option<Done>,
    parked: Option<(Arc<dyn Wake>, u64)>,
}

/// The `str` of the text of a reply, while it is being made.
pub(crate) struct LargeText {
    reply: Arc<Reply>,
    bytes: usize,
    workers: Workers,
    slot: Arc<Mutex<Slot>>,
    mailbox: Option<Arc<LoopMailbox>>,
    parked: Option<(Arc<LoopMailbox>, u64)>,
}

/// What a step of a [`LargeText`] brings.
pub(crate) enum Made<'py> {
    /// The task has to wait.
    Wait(Bound<'py, Waiter>),
    Whole(Py<PyString>),
}

impl LargeText {
    /// Begins to make the `str` of a text; `None` if the text is small.
    pub(crate) fn begin(reply: &Arc<Reply>, workers: &Workers) -> Option<Self> {
        let bytes = reply.choices.first().map_or(0, text_bytes);
        if bytes <= LARGE_TEXT_BYTES {
            return None;
        }
        let made = Self {
            reply: Arc::clone(reply),
            bytes,
            workers: workers.clone(),
            slot: Arc::default(),
            mailbox: None,
            parked: None,
        };
        made.start(|text| Done::Measured(Shape::of(text)));
        Some(made)
    }

    /// Goes on with the `str`.
    pub(crate) fn advance<'py>(&mut self, py: Python<'py>) -> PyResult<Made<'py>> {
        loop {
            let done = self.slot.lock().done.take();
            match done {
                Some(Done::Written(made)) => return Ok(Made::Whole(made)),
                Some(Done::Measured(shape)) => {
                    let (made, blank) = shape.allocate(py)?;
                    self.start(move |text| {
                        blank.fill(text);
                        Done::Written(made)
                    });
                }
                None => {}
            }
            if let Some((mailbox, token)) = self.parked.take() {
                drop(mailbox.take(token));
            }
            let (waiter, mailbox, token) = LoopMailbox::wait(py, &mut self.mailbox)?;
            let mut slot = self.slot.lock();
            if slot.done.is_none() {
                slot.parked = Some((mailbox.bell(), token));
                drop(slot);
                self.parked = Some((mailbox, token));
                return Ok(Made::Wait(waiter));
            }
            drop(slot);
            drop(mailbox.take(token));
        }
    }

    /// Whether a task waits for it.
    pub(crate) fn is_waited_for(&self) -> bool {
        let parked = self.parked.as_ref();
        parked.is_some_and(|(mailbox, token)| mailbox.is_waiting(*token))
    }

    fn start(&self, work: impl FnOnce(&str) -> Done + Send + 'static) {
        let (reply, slot) = (Arc::clone(&self.reply), Arc::clone(&self.slot));
        self.workers.start(self.bytes, move || {
            let text = reply.choices.first().map(Choice::text);
            let done = work(&text.unwrap_or_default());
            let mut slot = slot.lock();
            slot.done = Some(done);
            if let Some((bell, token)) = slot.parked.take() {
                bell.wake(token);
            }
        });
    }
}

impl Drop for LargeText {
    fn drop(&mut self) {
        if let Some((mailbox, token)) = self.parked.take() {
            drop(mailbox.take(token));
        }
    }
}

impl Shape {
    fn of(text: &str) -> Self {
        let (mut characters, mut largest) = (0, 0);
        if text.is_ascii() {
            return Self {
                characters: text.len().cast_signed(),
                largest: 0x7f,
            };
        }
        for character in text.chars() {
            characters += 1;
            largest = largest.max(u32::from(character));
        }
        Self {
            characters,
            largest,
        }
    }

    /// A `str` of this shape whose characters are not set yet.
    fn allocate(&self, py: Python<'_>) -> PyResult<(Py<PyString>, Blank)> {
        // SAFETY: a new `str`, or null with an error set.
        let made = unsafe {
            let made = ffi::PyUnicode_New(self.characters, self.largest);
            Bound::from_owned_ptr_or_err(py, made)?.cast_into_unchecked::<PyString>()
        };
        // SAFETY: `made` is a `str`, and it is ready.
        let start = unsafe { ffi::PyUnicode_DATA(made.as_ptr()) };
        let blank = Blank {
            start,
            largest: self.largest,
            characters: self.characters,
        };
        Ok((made.unbind(), blank))
    }
}

/// The characters of a `str` that no other code has seen.
struct Blank {
    start: *mut c_void,
    largest: u32,
    characters: isize,
}

// SAFETY: the memory belongs to a `str` that only the worker holds.
unsafe impl Send for Blank {}

impl Blank {
    /// Writes the characters of `text`, whose shape the `str` has. The caller keeps the `str` alive.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "no character is larger than the largest"
    )]
    fn fill(&self, text: &str) {
        let length = self.characters.unsigned_abs();
        // SAFETY: CPython stores each character in 1, 2 or 4 bytes, by the largest one, and the `str` has room for so
        // many.
        unsafe {
            match self.largest {
                0..0x80 => {
                    let bytes = text.as_ptr();
                    self.start
                        .cast::<u8>()
                        .copy_from_nonoverlapping(bytes, length);
                }
                0x80..0x100 => self.each::<u8>(text, |character| character as u8),
                0x100..0x10000 => self.each::<u16>(text, |character| character as u16),
                _ => self.each::<u32>(text, |character| character),
            }
        }
    }

    unsafe fn each<T>(&self, text: &str, as_stored: impl Fn(u32) -> T) {
        let length = self.characters.unsigned_abs();
        for (place, character) in text.chars().take(length).enumerate() {
            // SAFETY: `place` is less than the number of characters.
            unsafe {
                let stored = as_stored(u32::from(character));
                self.start.cast::<T>().add(place).write(stored);
            }
        }
    }
}
