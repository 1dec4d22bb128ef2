//! Claims about the dialects that the recordings do not make, or not clearly.

mod encode;
mod errors;
mod replies;
mod streams;
