//! "Did you mean …"

pub use machine_driver::nearest;
