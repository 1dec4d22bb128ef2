//! Properties of the dialects that the recordings do not show, or not clearly.

mod encode;
mod errors;
mod replies;
mod sizes;
mod streams;
