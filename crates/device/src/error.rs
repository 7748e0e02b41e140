//! Why a device could not be reached or would not do what it was told.

use std::time::Duration;

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The device, or its driver, has no such action.
    #[error(
        "the device has no way to `{action}`; leave that feature out of the device file's ICS, or use another driver"
    )]
    NotSupported {
        /// The action's name.
        action: String,
    },
    /// The device cannot be started or talked to at all.
    #[error("{what} cannot be reached: {reason}; {help}")]
    Unreachable {
        /// The program, person or address.
        what: String,
        /// Why.
        reason: String,
        /// What to do.
        help: String,
    },
    /// The device refused an order, or its answer makes no sense.
    #[error("the device did not `{action}`: {reason}")]
    Control {
        /// The action's name.
        action: String,
        /// What it said.
        reason: String,
    },
    /// The device did not answer an order.
    #[error("the device did not answer `{action}` within {after:?}; look at its log, it may hang")]
    Timeout {
        /// The action's name.
        action: String,
        /// How long the driver waited.
        after: Duration,
    },
    /// The device's program has ended.
    #[error("the device's program is gone ({status}); its log is in the evidence of the case")]
    Gone {
        /// How it ended.
        status: String,
    },
}

impl DeviceError {
    pub(crate) fn control(action: &str, reason: impl Into<String>) -> Self {
        Self::Control {
            action: action.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn not_supported(action: &str) -> Self {
        Self::NotSupported {
            action: action.to_owned(),
        }
    }

    pub(crate) fn unreachable(what: &str, reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Unreachable {
            what: what.to_owned(),
            reason: reason.into(),
            help: help.into(),
        }
    }
}
