//! `application/dialog-info+xml` (RFC 4235): which calls an extension has, for lamp fields.

use std::fmt::{self, Write as _};

use super::xml::{self, escape};
use crate::finding::Finding;

/// State of a dialog (RFC 4235 3.7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialogState {
    /// INVITE sent or received.
    Trying,
    /// A provisional response without a tag.
    Proceeding,
    /// A provisional response with a tag.
    Early,
    /// Answered.
    Confirmed,
    /// Over.
    Terminated,
    /// Anything else, as written.
    Other(String),
}

impl DialogState {
    /// The word in the document.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Trying => "trying",
            Self::Proceeding => "proceeding",
            Self::Early => "early",
            Self::Confirmed => "confirmed",
            Self::Terminated => "terminated",
            Self::Other(text) => text,
        }
    }

    /// The state a word names.
    pub fn parse(text: &str) -> Self {
        let known = [
            Self::Trying,
            Self::Proceeding,
            Self::Early,
            Self::Confirmed,
            Self::Terminated,
        ];
        known
            .into_iter()
            .find(|known| known.as_str() == text)
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

/// One end of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialogParticipant {
    /// Address.
    pub identity: Option<String>,
    /// Display name of the address.
    pub display: Option<String>,
    /// Target URI (Contact).
    pub target: Option<String>,
}

/// One dialog of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogRecord {
    /// Identifier within the document.
    pub id: String,
    /// State.
    pub state: DialogState,
    /// `initiator` or `recipient`.
    pub direction: Option<String>,
    /// Call-ID.
    pub call_id: Option<String>,
    /// Tag of the watched end.
    pub local_tag: Option<String>,
    /// Tag of its peer.
    pub remote_tag: Option<String>,
    /// The watched end.
    pub local: DialogParticipant,
    /// Its peer.
    pub remote: DialogParticipant,
}

/// A dialog-info document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogInfo {
    /// Goes up by one with each document of a subscription.
    pub version: u32,
    /// All dialogs are told (`state="full"`), not only the changed ones.
    pub full: bool,
    /// The watched address.
    pub entity: String,
    /// Dialogs in order.
    pub dialogs: Vec<DialogRecord>,
}

impl DialogInfo {
    /// Media type of the body.
    pub const MEDIA_TYPE: &'static str = "application/dialog-info+xml";

    /// Reads a document. Missing attributes that RFC 4235 4.1 requires are findings.
    ///
    /// # Errors
    /// When it is not XML or its root is not `dialog-info`.
    pub fn parse(body: &[u8]) -> Result<(Self, Vec<Finding>), Finding> {
        let root = xml::parse(body, "RFC 4235 4")?;
        let mut findings = Vec::new();
        let mut missing = |what: &str| {
            findings.push(Finding::new(
                "dialog-info-attribute-missing",
                "RFC 4235 4.1",
                format!("{what} is missing or cannot be read"),
            ));
        };
        if root.name != "dialog-info" {
            let message = format!("the root element is {:?}, not dialog-info", root.name);
            return Err(Finding::new("dialog-info-invalid", "RFC 4235 4.1", message));
        }
        let version = root
            .attribute("version")
            .and_then(|text| text.trim().parse().ok());
        if version.is_none() {
            missing("version of dialog-info");
        }
        let entity = root.attribute("entity");
        if entity.is_none() {
            missing("entity of dialog-info");
        }
        let full = match root.attribute("state") {
            Some("full") => true,
            Some("partial") => false,
            _ => {
                missing("state of dialog-info");
                true
            }
        };
        let mut dialogs = Vec::new();
        for dialog in root.all("dialog") {
            let attribute = |name| dialog.attribute(name).map(str::to_owned);
            if dialog.attribute("id").is_none() {
                missing("id of a dialog");
            }
            if dialog.child("state").is_none() {
                missing("state of a dialog");
            }
            dialogs.push(DialogRecord {
                id: attribute("id").unwrap_or_default(),
                state: DialogState::parse(dialog.text_of("state").unwrap_or_default()),
                direction: attribute("direction"),
                call_id: attribute("call-id"),
                local_tag: attribute("local-tag"),
                remote_tag: attribute("remote-tag"),
                local: participant(dialog.child("local")),
                remote: participant(dialog.child("remote")),
            });
        }
        let info = Self {
            version: version.unwrap_or_default(),
            full,
            entity: entity.unwrap_or_default().to_owned(),
            dialogs,
        };
        Ok((info, findings))
    }
}

fn participant(element: Option<&xml::Element>) -> DialogParticipant {
    let identity = element.and_then(|element| element.child("identity"));
    DialogParticipant {
        identity: element
            .and_then(|element| element.text_of("identity"))
            .map(str::to_owned),
        display: identity
            .and_then(|identity| identity.attribute("display"))
            .map(str::to_owned),
        target: element
            .and_then(|element| element.child("target"))
            .and_then(|target| target.attribute("uri"))
            .map(str::to_owned),
    }
}

fn write_participant(out: &mut String, name: &str, one: &DialogParticipant) -> fmt::Result {
    if *one == DialogParticipant::default() {
        return Ok(());
    }
    writeln!(out, "<{name}>")?;
    if let Some(identity) = &one.identity {
        out.push_str("<identity");
        if let Some(display) = &one.display {
            write!(out, " display=\"{}\"", escape(display))?;
        }
        writeln!(out, ">{}</identity>", escape(identity))?;
    }
    if let Some(target) = &one.target {
        writeln!(out, "<target uri=\"{}\"/>", escape(target))?;
    }
    writeln!(out, "</{name}>")
}

impl fmt::Display for DialogInfo {
    /// The document.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::from("<?xml version=\"1.0\"?>\n");
        writeln!(
            out,
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{}\" state=\"{}\" entity=\"{}\">",
            self.version,
            if self.full { "full" } else { "partial" },
            escape(&self.entity)
        )?;
        for dialog in &self.dialogs {
            write!(out, "<dialog id=\"{}\"", escape(&dialog.id))?;
            for (name, value) in [
                ("call-id", &dialog.call_id),
                ("local-tag", &dialog.local_tag),
                ("remote-tag", &dialog.remote_tag),
                ("direction", &dialog.direction),
            ] {
                if let Some(value) = value {
                    write!(out, " {name}=\"{}\"", escape(value))?;
                }
            }
            writeln!(out, ">\n<state>{}</state>", escape(dialog.state.as_str()))?;
            write_participant(&mut out, "local", &dialog.local)?;
            write_participant(&mut out, "remote", &dialog.remote)?;
            out.push_str("</dialog>\n");
        }
        out.push_str("</dialog-info>\n");
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_round_trips() {
        let record = DialogRecord {
            id: "a<1>".into(),
            state: DialogState::Early,
            direction: Some("recipient".into()),
            call_id: Some("c&d".into()),
            local_tag: Some("l".into()),
            remote_tag: None,
            local: DialogParticipant {
                identity: Some("sip:a@x".into()),
                display: Some("A \"B\"".into()),
                target: Some("sip:a@192.0.2.1;x=1".into()),
            },
            remote: DialogParticipant::default(),
        };
        let info = DialogInfo {
            version: 7,
            full: false,
            entity: "sip:a@x".into(),
            dialogs: vec![record],
        };
        let (read, findings) = DialogInfo::parse(info.to_string().as_bytes()).unwrap();
        assert_eq!((read, findings), (info, vec![]));
    }

    #[test]
    fn prefixes_are_fine_and_missing_attributes_are_findings() {
        let body = b"<d:dialog-info xmlns:d=\"urn:ietf:params:xml:ns:dialog-info\" state=\"odd\">\
            <d:dialog><d:state code=\"200\">confirmed</d:state></d:dialog></d:dialog-info>";
        let (info, findings) = DialogInfo::parse(body).unwrap();
        assert_eq!(info.dialogs[0].state, DialogState::Confirmed);
        assert_eq!(findings.len(), 4);
        assert!(DialogInfo::parse(b"<presence/>").is_err());
        assert!(DialogInfo::parse(b"Messages-Waiting: yes").is_err());
    }
}
