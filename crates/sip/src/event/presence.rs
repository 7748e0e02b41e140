//! `application/pidf+xml` (RFC 3863), the basic part of it.

use std::fmt::{self, Write as _};

use super::xml::{self, escape};
use crate::finding::Finding;

/// One way to reach a presentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceTuple {
    /// Identifier within the document.
    pub id: String,
    /// Basic status: open or closed; `None` when it is not told.
    pub open: Option<bool>,
    /// Contact address.
    pub contact: Option<String>,
    /// Note for people.
    pub note: Option<String>,
}

/// A presence document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whose presence it is.
    pub entity: String,
    /// Tuples in order.
    pub tuples: Vec<PresenceTuple>,
    /// Notes about the presentity itself.
    pub notes: Vec<String>,
}

impl Presence {
    /// Media type of the body.
    pub const MEDIA_TYPE: &'static str = "application/pidf+xml";

    /// A document with one tuple.
    pub fn basic(entity: &str, open: bool, note: Option<&str>) -> Self {
        Self {
            entity: entity.to_owned(),
            tuples: vec![PresenceTuple {
                id: "t1".to_owned(),
                open: Some(open),
                contact: Some(entity.to_owned()),
                note: note.map(str::to_owned),
            }],
            notes: Vec::new(),
        }
    }

    /// Reads a document. A missing entity, tuple id or status is a finding (RFC 3863 4.1).
    ///
    /// # Errors
    /// When it is not XML or its root is not `presence`.
    pub fn parse(body: &[u8]) -> Result<(Self, Vec<Finding>), Finding> {
        let root = xml::parse(body, "RFC 3863 4")?;
        if root.name != "presence" {
            let message = format!("the root element is {:?}, not presence", root.name);
            return Err(Finding::new("presence-invalid", "RFC 3863 4.1.1", message));
        }
        let mut findings = Vec::new();
        let mut missing = |clause, what: &str| {
            let message = format!("{what} is missing or cannot be read");
            findings.push(Finding::new("presence-part-missing", clause, message));
        };
        let entity = root.attribute("entity").unwrap_or_default().to_owned();
        if entity.is_empty() {
            missing("RFC 3863 4.1.1", "entity of presence");
        }
        let mut tuples = Vec::new();
        for tuple in root.all("tuple") {
            if tuple.attribute("id").is_none() {
                missing("RFC 3863 4.1.2", "id of a tuple");
            }
            let Some(status) = tuple.child("status") else {
                missing("RFC 3863 4.1.3", "status of a tuple");
                continue;
            };
            let open = match status.text_of("basic") {
                Some("open") => Some(true),
                Some("closed") => Some(false),
                Some(_) => {
                    missing("RFC 3863 4.1.4", "basic status of a tuple");
                    None
                }
                None => None,
            };
            tuples.push(PresenceTuple {
                id: tuple.attribute("id").unwrap_or_default().to_owned(),
                open,
                contact: tuple.text_of("contact").map(str::to_owned),
                note: tuple.text_of("note").map(str::to_owned),
            });
        }
        let notes = root.all("note").map(|note| note.text.clone()).collect();
        Ok((
            Self {
                entity,
                tuples,
                notes,
            },
            findings,
        ))
    }
}

impl fmt::Display for Presence {
    /// The document.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        writeln!(
            out,
            "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\">",
            escape(&self.entity)
        )?;
        for tuple in &self.tuples {
            write!(out, "<tuple id=\"{}\"><status>", escape(&tuple.id))?;
            if let Some(open) = tuple.open {
                write!(out, "<basic>{}</basic>", if open { "open" } else { "closed" })?;
            }
            out.push_str("</status>");
            if let Some(contact) = &tuple.contact {
                write!(out, "<contact>{}</contact>", escape(contact))?;
            }
            if let Some(note) = &tuple.note {
                write!(out, "<note>{}</note>", escape(note))?;
            }
            out.push_str("</tuple>\n");
        }
        for note in &self.notes {
            writeln!(out, "<note>{}</note>", escape(note))?;
        }
        out.push_str("</presence>\n");
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_round_trips() {
        let mut presence = Presence::basic("pres:a@x", true, Some("at <lunch>"));
        presence.notes.push("x & y".into());
        let (read, findings) = Presence::parse(presence.to_string().as_bytes()).unwrap();
        assert_eq!((read, findings), (presence, vec![]));
    }

    #[test]
    fn what_is_missing_is_found() {
        let (presence, findings) = Presence::parse(
            b"<presence><tuple><status><basic>away</basic></status></tuple><tuple id='1'/></presence>",
        )
        .unwrap();
        assert_eq!((presence.tuples.len(), findings.len()), (1, 4));
        assert_eq!(presence.tuples[0].open, None);
        assert!(Presence::parse(b"<dialog-info/>").is_err());
    }
}
