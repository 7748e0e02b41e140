//! Just enough XML: elements with attributes and text, namespaces stripped, sizes bounded.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use crate::finding::Finding;

/// Deepest nesting and most elements that are read.
const DEEPEST: usize = 32;
const MOST_ELEMENTS: usize = 10_000;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Element {
    /// Local name.
    pub(super) name: String,
    /// Attributes by local name.
    pub(super) attributes: Vec<(String, String)>,
    /// Text directly in it, trimmed.
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Text of a child, when it is not empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name)
            .map(|child| child.text.as_str())
            .filter(|text| !text.is_empty())
    }
}

/// The root element.
pub(super) fn parse(body: &[u8], clause: &'static str) -> Result<Element, Finding> {
    let refused = |what: &str| {
        Finding::new(
            "xml-invalid",
            clause,
            format!("the XML body cannot be read: {what}"),
        )
    };
    let text = std::str::from_utf8(body).map_err(|_| refused("not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(|error| refused(&error.to_string()))?;
        if matches!(event, Event::Start(_) | Event::Empty(_)) {
            count += 1;
            if count > MOST_ELEMENTS || open.len() >= DEEPEST {
                return Err(refused("too large"));
            }
        }
        let closed = match event {
            Event::Start(start) => {
                open.push(element(&start));
                None
            }
            Event::Empty(start) => Some(element(&start)),
            Event::End(_) => open.pop(),
            Event::Text(text) => {
                append(&mut open, &String::from_utf8_lossy(&text));
                None
            }
            Event::CData(text) => {
                append(&mut open, &String::from_utf8_lossy(&text));
                None
            }
            Event::GeneralRef(name) => {
                let entity = format!("&{};", String::from_utf8_lossy(&name));
                // an entity that is not predefined is kept as it stands; nothing is ever expanded
                append(
                    &mut open,
                    &unescape(&entity).map_or_else(|_| entity.clone(), Into::into),
                );
                None
            }
            Event::Eof => return Err(refused("no root element")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
        };
        if let Some(mut element) = closed {
            element.text = element.text.trim().to_owned();
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => return Ok(element),
            }
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let local = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let attributes = start
        .attributes()
        .flatten()
        .map(|attribute| {
            let raw = String::from_utf8_lossy(&attribute.value).into_owned();
            let value = unescape(&raw).map_or_else(|_| raw.clone(), Into::into);
            (local(attribute.key.local_name().as_ref()), value)
        })
        .collect();
    Element {
        name: local(start.local_name().as_ref()),
        attributes,
        ..Element::default()
    }
}

/// Text for element content and attribute values.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // control characters cannot stand in XML 1.0 at all
            character if character.is_control() && !matches!(character, '\t' | '\n' | '\r') => {}
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_entities_and_namespaces() {
        let root = parse(
            b"<?xml version=\"1.0\"?><!-- c --><p:a xmlns:p=\"urn:x\" p:b=\"1 &lt; 2\"> x &amp;&#65; <p:c/><d><![CDATA[<]]></d></p:a>",
            "x",
        )
        .unwrap();
        assert_eq!((root.name.as_str(), root.attribute("b")), ("a", Some("1 < 2")));
        assert_eq!(root.text, "x &A");
        assert_eq!((root.children.len(), root.text_of("d")), (2, Some("<")));
        for broken in [&b""[..], b"<a>", b"<a></b>", b"hello", b"\xff"] {
            assert!(parse(broken, "x").is_err(), "{broken:?}");
        }
        let deep = "<a>".repeat(100);
        assert!(parse(deep.as_bytes(), "x").is_err());
    }
}
