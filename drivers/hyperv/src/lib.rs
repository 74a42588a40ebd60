//! The driver `hyperv`: virtual machines by the hypervisor of Windows.
//!
//! All that is asked of Hyper-V goes through one PowerShell for each command of ours
//! ([`powershell`]): fixed scripts (`scripts/*.ps1`), parameters as data, answers in JSON. The disk
//! is written without it ([`vhdx`]).
//!
//! ```text
//!  reserve        create                                                      wait
//!  switch ─▶ network of our own? ─▶ image, disk ─▶ VM ─▶ id ─▶ shape ─▶ start ─▶ address
//!                                                      on record
//! ```
//!
//! The address of a machine is the guest's own or the one at which its neighbours know it
//! ([`states`]). Windows gives the Default Switch another subnet when it starts, so an address is
//! only as good as the boot of this computer in which it was recorded ([`place`]).
//!
//! It works on Windows and, through `powershell.exe`, in WSL.

mod advice;
mod birth;
mod check;
mod driver;
mod flags;
mod hypervisor;
mod kind;
mod nat;
mod place;
mod power;
mod powershell;
mod record;
mod resize;
mod scripts;
mod states;
mod switch;
mod vhdx;

pub use kind::kind;
