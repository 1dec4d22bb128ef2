//! Properties of the dialects that the recordings do not show, or not clearly.

mod calls;
mod encode;
mod errors;
mod replies;
mod sizes;
mod streams;
mod twice;
