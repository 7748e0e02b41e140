//! XML as far as CSTA messages need it (XML 1.0, Namespaces in XML): elements and text, without a document type.

/// A longer document is none of a phone.
const LONGEST: usize = 64 * 1024;
/// More elements within each other are none either.
const DEEPEST: usize = 32;

/// Why a document cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Longer than 64 KiB.
    #[error("it is too long")]
    TooLong,
    /// More than 32 elements within each other.
    #[error("its elements are too deep within each other")]
    TooDeep,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// Not well-formed, or with a document type.
    #[error("it is not well-formed after {0} octets")]
    Malformed(usize),
}

/// An element without its namespace: what elements of other namespaces mean nobody asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// The first element with one of these names after one another, each inside the one before.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Self> {
        match path.split_first() {
            None => Some(self),
            Some((first, rest)) => self
                .children
                .iter()
                .filter(|child| child.name == *first)
                .find_map(|child| child.find(rest)),
        }
    }

    /// Every element of this name, however deep.
    pub(super) fn all<'a>(&'a self, name: &str, found: &mut Vec<&'a Self>) {
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            child.all(name, found);
        }
    }

    /// The text of the element at the end of a path.
    pub(super) fn text_of(&self, path: &[&str]) -> Option<String> {
        self.find(path).map(|element| element.text.trim().to_owned())
    }
}

/// Text as it may stand in an element.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Reads a document.
pub(super) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    if bytes.len() > LONGEST {
        return Err(XmlError::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
    let mut reader = Reader {
        whole: text.len(),
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
    };
    reader.document()
}

struct Reader<'a> {
    whole: usize,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn malformed(&self) -> XmlError {
        XmlError::Malformed(self.whole.saturating_sub(self.rest.len()))
    }

    fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What stands before a text, which is passed.
    fn until(&mut self, text: &str) -> Result<&'a str, XmlError> {
        let (before, rest) = self.rest.split_once(text).ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(before)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// Passes comments and processing instructions; whether there was one.
    fn aside(&mut self) -> Result<bool, XmlError> {
        if self.takes("<!--") {
            self.until("-->")?;
        } else if self.takes("<?") {
            self.until("?>")?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn document(&mut self) -> Result<Element, XmlError> {
        self.space();
        while self.aside()? {
            self.space();
        }
        if !self.takes("<") {
            return Err(self.malformed());
        }
        let root = self.element()?;
        self.space();
        while self.aside()? {
            self.space();
        }
        if self.rest.trim_end_matches('\0').is_empty() {
            Ok(root)
        } else {
            Err(self.malformed())
        }
    }

    /// A name without its prefix.
    fn name(&mut self) -> Result<&'a str, XmlError> {
        let ends = |c: char| c.is_whitespace() || matches!(c, '>' | '/' | '=' | '<' | '"' | '\'' | '&');
        let end = self.rest.find(ends).ok_or_else(|| self.malformed())?;
        let (name, rest) = self.rest.split_at(end);
        let local = name.rsplit(':').next().unwrap_or(name);
        if local.is_empty() {
            return Err(self.malformed());
        }
        self.rest = rest;
        Ok(name)
    }

    /// Passes the attributes of a tag; whether the element is over with it.
    fn attributes(&mut self) -> Result<bool, XmlError> {
        loop {
            self.space();
            if self.takes("/>") {
                return Ok(true);
            }
            if self.takes(">") {
                return Ok(false);
            }
            self.name()?;
            self.space();
            if !self.takes("=") {
                return Err(self.malformed());
            }
            self.space();
            let quote = if self.takes("\"") {
                "\""
            } else if self.takes("'") {
                "'"
            } else {
                return Err(self.malformed());
            };
            self.until(quote)?;
        }
    }

    /// An element whose `<` was read. The open ones stand on a list, not on the stack of the program.
    fn element(&mut self) -> Result<Element, XmlError> {
        let mut open: Vec<(&'a str, Element)> = Vec::new();
        loop {
            let name = self.name()?;
            let mut closed = Element {
                name: name.rsplit(':').next().unwrap_or(name).to_owned(),
                ..Element::default()
            };
            if !self.attributes()? {
                if open.len() >= DEEPEST {
                    return Err(XmlError::TooDeep);
                }
                open.push((name, closed));
                match self.content(&mut open)? {
                    Some(element) => closed = element,
                    None => continue,
                }
            }
            // what is closed belongs to what is open around it
            loop {
                let Some((_, parent)) = open.last_mut() else {
                    return Ok(closed);
                };
                parent.children.push(closed);
                match self.content(&mut open)? {
                    Some(element) => closed = element,
                    None => break,
                }
            }
        }
    }

    /// Text up to the next tag. The innermost element when the tag ends it, nothing when another begins.
    fn content(&mut self, open: &mut Vec<(&'a str, Element)>) -> Result<Option<Element>, XmlError> {
        loop {
            let malformed = self.malformed();
            let at = self.rest.find('<').ok_or(malformed)?;
            let (text, rest) = self.rest.split_at(at);
            let (name, element) = open.last_mut().ok_or(malformed)?;
            unescape(text, &mut element.text).ok_or(malformed)?;
            self.rest = rest;
            if self.takes("<![CDATA[") {
                let text = self.until("]]>")?;
                element.text.push_str(text);
            } else if self.takes("</") {
                if self.until(">")?.trim_end() != *name {
                    return Err(malformed);
                }
                return Ok(open.pop().map(|(_, element)| element));
            } else if self.rest.starts_with("<!--") || self.rest.starts_with("<?") {
                self.aside()?;
            } else if self.rest.starts_with("<!") {
                return Err(malformed);
            } else {
                self.rest = self.rest.strip_prefix('<').unwrap_or(self.rest);
                return Ok(None);
            }
        }
    }
}

/// Appends text with its references replaced (XML 1.0 4.1); nothing where one is not known.
fn unescape(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (reference, behind) = after.split_once(';')?;
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        out.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => match (other.strip_prefix("#x"), other.strip_prefix('#')) {
                (Some(digits), _) => number(digits, 16)?,
                (None, Some(digits)) => number(digits, 10)?,
                (None, None) => return None,
            },
        });
        rest = behind;
    }
    out.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_text_and_references() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\r\n<!-- x --><c:a xmlns:c='urn:x' b=\"&lt;\">1<d/> 2 &amp; &#x41;&#66;<![CDATA[<3>]]><d>4</d ></c:a>\n";
        let root = parse(text.as_bytes()).unwrap();
        assert_eq!((root.name.as_str(), root.text.as_str()), ("a", "1 2 & AB<3>"));
        assert_eq!(root.children.len(), 2);
        assert_eq!(root.text_of(&["d"]).as_deref(), Some(""));
        assert_eq!(root.children[1].text, "4");
        let mut found = Vec::new();
        root.all("d", &mut found);
        assert_eq!(found.len(), 2);
        assert_eq!(
            parse(b"<a><b><c>x</c></b></a>")
                .unwrap()
                .text_of(&["b", "c"])
                .as_deref(),
            Some("x")
        );
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            "<",
            "<a",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a>&x;</a>",
            "<a>&</a>",
            "<a b></a>",
            "<a b=1/>",
            "text",
            "<!DOCTYPE a []><a/>",
            "<a><!ELEMENT b></a>",
            "<a>&#xd800;</a>",
            "<:/>",
            "<a><b></a></b>",
            "<a><!--</a>",
        ] {
            assert!(
                matches!(parse(text.as_bytes()), Err(XmlError::Malformed(_))),
                "{text}"
            );
        }
        assert_eq!(parse(b"<a>\xff</a>"), Err(XmlError::Encoding));
        assert_eq!(parse("<a>".repeat(100).as_bytes()), Err(XmlError::TooDeep));
        assert_eq!(parse(&[b' '; LONGEST + 1]), Err(XmlError::TooLong));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn text_comes_back(text in "[^\0\r]{0,40}") {
            let document = format!("<a>{}</a>", escaped(&text));
            proptest::prop_assert_eq!(parse(document.as_bytes()).unwrap().text, text);
        }

        #[test]
        fn no_document_is_too_strange(text in "[<>/a&;!\\[\\]\"= x?-]{0,60}", bytes: Vec<u8>) {
            let _ = parse(text.as_bytes());
            let _ = parse(&bytes);
        }
    }
}
