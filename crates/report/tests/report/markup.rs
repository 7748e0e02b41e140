//! Reads the page's markup back.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Renders the page as text.
pub(crate) fn page(run: &voxproof_record::Run) -> String {
    String::from_utf8(voxproof_report::render(run, voxproof_report::Format::Html).unwrap()).unwrap()
}

/// Names of the elements and of their attributes in the order of the page. Fails when an element is not closed, or
/// closed out of order. Style and script are cut out, and the void `meta` elements: the rest of our page is XML.
pub(crate) fn skeleton(page: &str) -> Vec<String> {
    let mut rest = page
        .strip_prefix("<!doctype html>")
        .expect("the page begins with its doctype")
        .to_owned();
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let start = rest.find(open).unwrap();
        let end = start + rest[start..].find(close).unwrap() + close.len();
        rest.replace_range(start..end, "");
        assert!(!rest.contains(open), "one {open} only");
    }
    while let Some(start) = rest.find("<meta ") {
        let end = start + rest[start..].find('>').unwrap() + 1;
        rest.replace_range(start..end, "");
    }
    let mut reader = Reader::from_str(&rest);
    reader.config_mut().check_end_names = true;
    let mut names = Vec::new();
    let mut depth = 0_i32;
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("at {}: {error}", reader.error_position()))
        {
            Event::Start(element) => {
                depth += 1;
                names.push(String::from_utf8(element.name().0.to_vec()).unwrap());
                names.extend(attributes(&element));
            }
            Event::Empty(element) => {
                names.push(String::from_utf8(element.name().0.to_vec()).unwrap());
                names.extend(attributes(&element));
            }
            Event::End(_) => depth -= 1,
            Event::Text(_) | Event::GeneralRef(_) => {}
            Event::Eof => break,
            other => panic!("nothing of ours: {other:?}"),
        }
    }
    assert_eq!(depth, 0);
    names
}

fn attributes(element: &quick_xml::events::BytesStart<'_>) -> Vec<String> {
    element
        .html_attributes()
        .map(|attribute| format!("@{}", String::from_utf8_lossy(attribute.unwrap().key.0)))
        .collect()
}
