//! Passwords never get into what is recorded.

use crate::LabAddress;

/// The text with the account's password masked.
pub(crate) fn masked(text: &str, lab: Option<&LabAddress>) -> String {
    match lab.map(|lab| lab.password.as_str()) {
        Some(password) if !password.is_empty() => text.replace(password, "********"),
        _ => text.to_owned(),
    }
}

/// A log with the account's password masked.
pub(crate) fn masked_log(log: &[u8], lab: Option<&LabAddress>) -> Vec<u8> {
    masked(&String::from_utf8_lossy(log), lab).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_masked() {
        let mut lab = LabAddress::example();
        assert_eq!(
            masked("s3cret, s3crets and secret", Some(&lab)),
            "********, ********s and secret"
        );
        assert_eq!(
            masked_log(b"auth=s3cret\xff", Some(&lab)),
            "auth=********\u{fffd}".as_bytes()
        );
        assert_eq!(masked("s3cret", None), "s3cret");
        lab.password.clear();
        assert_eq!(masked("s3cret", Some(&lab)), "s3cret");
    }
}
