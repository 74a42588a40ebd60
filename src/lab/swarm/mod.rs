//! The Docker swarm of a lab, through the API of the Engines that it is made of. Nothing of it is
//! kept here: who is in it and as what is asked of the Engines each time, so that a crash, or what
//! somebody did by hand, is seen.

mod api;
mod form;
mod leave;
mod member;
mod status;

pub(super) use form::form;
pub(super) use leave::leave;
pub use status::{NodeRow, Status, status};
