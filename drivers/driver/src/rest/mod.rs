//! REST as clouds have it: one account's interface behind one [`Api`], whatever the vendor.
//!
//! ```text
//!  api.post("/v2/droplets").json(&body).send()
//!       │
//!       ├─ Pace: a turn in the account's rate, shared by all processes of this computer
//!       ├─ Authorise: bearer token, signature, Keystone session
//!       ├─ one attempt, with a deadline
//!       └─ again after a jittered pause, where a repetition can do no harm:
//!            always   429 and "try later", connections that were never made
//!            only if [`Request::repeatable`]   time-outs, broken connections, 5xx
//! ```
//!
//! GET, PUT and DELETE are repeatable by nature, a POST only with a client token or where making
//! the same twice is impossible. After an unclear POST the driver looks for what it may have made,
//! by its [`crate::Tags`].
//!
//! Nothing here prints or logs a header or a body: paths, states and request ids only.

mod answer;
mod api;
mod authorise;
mod changes;
mod pace;
mod pages;
mod request;
mod retry;
mod shared;

pub use answer::{Answer, Complaint, Problem, problem};
pub use api::Api;
pub use authorise::{Anybody, Authorise, Bearer};
pub use pace::{Pace, Rate};
pub use pages::all_pages;
pub use request::Request;
pub use retry::is_about_tls;
pub use shared::Shared;

use std::sync::LazyLock;

static CHANGES: LazyLock<changes::Changes> = LazyLock::new(changes::Changes::new);

/// For who is asked to stop the program: comes back when no call is under way that makes or deletes
/// something, and lets no further one begin. Work that is dropped after that has recorded all that it
/// has made, if it records in one go with the answer ([`crate::Context::checkpoint`]).
pub async fn wind_down() {
    CHANGES.end().await;
}
