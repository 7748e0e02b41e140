//! Programs in a User Mode Linux guest whose clock is virtual.
//!
//! The kernel's `time-travel=inf-cpu` gives a guest in which computing takes no time and waiting jumps ahead: a 32 s timer is
//! over at once, and a busy host cannot make a phone late. The guest has the host's own files, read-only, so the phones and
//! the lab of the host run in it as they are; no root and no KVM are needed, only ptrace.
//!
//! [`Kernel`] is built once from Debian's kernel source and kept outside the repository; [`Guest`] boots it for one script.

mod boot;
mod error;
mod kernel;
mod room;

pub use boot::{Booted, Ended, Guest};
pub use error::GuestError;
pub use kernel::{KERNEL_VARIABLE, Kernel, PACKAGES};
pub use room::Room;
