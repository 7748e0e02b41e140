//! `application/simple-message-summary` (RFC 3842).

use std::fmt;

use crate::finding::Finding;

/// Counts of one message class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageCounts {
    /// Not yet heard.
    pub new: u32,
    /// Heard.
    pub old: u32,
    /// Urgent ones among both, when they are told.
    pub urgent: Option<(u32, u32)>,
}

/// What waits for an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageSummary {
    /// The lamp: whether messages wait.
    pub waiting: bool,
    /// The account, when it is named.
    pub account: Option<String>,
    /// Class (`Voice-Message`) and counts, in order.
    pub classes: Vec<(String, MessageCounts)>,
}

impl MessageSummary {
    /// Media type of the body.
    pub const MEDIA_TYPE: &'static str = "application/simple-message-summary";

    /// A summary of voice messages.
    pub fn voice(account: Option<&str>, new: u32, old: u32) -> Self {
        let counts = MessageCounts {
            new,
            old,
            urgent: None,
        };
        Self {
            waiting: new > 0,
            account: account.map(str::to_owned),
            classes: vec![("Voice-Message".to_owned(), counts)],
        }
    }

    /// Counts of voice messages.
    pub fn voice_messages(&self) -> Option<MessageCounts> {
        self.classes
            .iter()
            .find(|(class, _)| class.eq_ignore_ascii_case("voice-message"))
            .map(|(_, counts)| *counts)
    }

    /// Reads a body. Lines that are not understood are findings; optional message headers after an empty line are
    /// passed over.
    ///
    /// # Errors
    /// When `Messages-Waiting` is missing or neither `yes` nor `no` (RFC 3842 5.2).
    pub fn parse(body: &[u8]) -> Result<(Self, Vec<Finding>), Finding> {
        let text = String::from_utf8_lossy(body);
        let mut summary = Self::default();
        let mut waiting = None;
        let mut findings = Vec::new();
        let odd = |line: &str| {
            let shown: String = line.chars().take(80).collect();
            Finding::new(
                "message-summary-line",
                "RFC 3842 5.2",
                format!("{shown:?} cannot be read"),
            )
        };
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                findings.push(odd(line));
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("messages-waiting") {
                waiting = match value {
                    value if value.eq_ignore_ascii_case("yes") => Some(true),
                    value if value.eq_ignore_ascii_case("no") => Some(false),
                    _ => None,
                };
            } else if name.eq_ignore_ascii_case("message-account") {
                summary.account = Some(value.to_owned());
            } else {
                match counts(value) {
                    Some(counts) if summary.classes.len() < 64 => {
                        summary.classes.push((name.to_owned(), counts));
                    }
                    _ => findings.push(odd(line)),
                }
            }
        }
        summary.waiting = waiting.ok_or_else(|| {
            Finding::new(
                "messages-waiting-missing",
                "RFC 3842 5.2",
                "the summary does not say Messages-Waiting: yes or no",
            )
        })?;
        Ok((summary, findings))
    }
}

/// `2/8 (0/2)`: new/old (urgent new/urgent old).
fn counts(value: &str) -> Option<MessageCounts> {
    let pair = |text: &str| {
        let (new, old) = text.trim().split_once('/')?;
        Some((new.trim().parse().ok()?, old.trim().parse().ok()?))
    };
    let (plain, urgent) = match value.split_once('(') {
        Some((plain, urgent)) => (plain, Some(pair(urgent.trim_end().strip_suffix(')')?)?)),
        None => (value, None),
    };
    let (new, old) = pair(plain)?;
    Some(MessageCounts { new, old, urgent })
}

impl fmt::Display for MessageSummary {
    /// The body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = if self.waiting { "yes" } else { "no" };
        write!(f, "Messages-Waiting: {waiting}\r\n")?;
        if let Some(account) = &self.account {
            write!(f, "Message-Account: {account}\r\n")?;
        }
        for (class, counts) in &self.classes {
            write!(f, "{class}: {}/{}", counts.new, counts.old)?;
            if let Some((new, old)) = counts.urgent {
                write!(f, " ({new}/{old})")?;
            }
            f.write_str("\r\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_round_trips() {
        let body = "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vm.example.com\r\nVoice-Message: 2/8 (0/2)\r\n\
            Fax-Message: 0/1\r\n";
        let (summary, findings) = MessageSummary::parse(body.as_bytes()).unwrap();
        assert_eq!((summary.to_string().as_str(), findings), (body, vec![]));
        assert_eq!(
            summary.voice_messages(),
            Some(MessageCounts {
                new: 2,
                old: 8,
                urgent: Some((0, 2))
            })
        );
        let made = MessageSummary::voice(None, 0, 3);
        assert_eq!(made.to_string(), "Messages-Waiting: no\r\nVoice-Message: 0/3\r\n");
    }

    #[test]
    fn odd_lines_are_findings_and_a_missing_lamp_is_an_error() {
        let (summary, findings) =
            MessageSummary::parse(b"messages-waiting : NO\nVoice-Message: many\nnonsense\n\nTo: x\n")
                .unwrap();
        assert!(!summary.waiting && summary.classes.is_empty());
        assert_eq!(findings.len(), 2);
        assert!(MessageSummary::parse(b"Voice-Message: 1/0\r\n").is_err());
        assert!(MessageSummary::parse(b"Messages-Waiting: maybe\r\n").is_err());
    }
}
