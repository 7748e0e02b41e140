//! The device under test: one trait, and a driver for each way of making a device do something.
//!
//! The lab sees what a device does on the network; a driver is the other end: the finger on its keys, the program
//! behind its control socket, the person in front of it. It starts the device, passes orders on, and hands over what
//! only the device's side knows (its recording, its log, whether it is still alive). It decides nothing.

mod baresip;
mod chain;
mod command;
mod create;
mod device;
mod error;
mod linphone;
mod manual;
mod operator;
mod ports;
mod probe;
mod process;
mod secret;
mod shell;
mod sim;
mod sip;
mod sound;
mod waits;
mod web;

pub use create::{Workplace, create, sim};
pub use device::{Device, DeviceHealth, LabAddress};
pub use error::DeviceError;
pub use operator::{Operator, ScriptedOperator, TerminalOperator};
pub use probe::{ProbeLine, probe};
pub use sip::{
    Connection, CstaAnswer, CstaError, LocalConnection, NoLink, SipAnswer, SipLink, SipOrder, XmlError,
    parse_csta,
};
