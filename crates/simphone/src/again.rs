//! A request sent once more, as a new transaction with something changed.

use voxproof_sip::{Builder, HeaderLine, Message};

/// The request with a new branch and CSeq number: authentication (RFC 3261 22.2), redirection (8.1.3.4) and other answers
/// that name what has to change. `replaced` lines are left out, `added` ones follow the others; the body stays.
pub(crate) fn again(
    request: &Message,
    uri: &str,
    cseq: u32,
    branch: &str,
    replaced: impl Fn(&HeaderLine) -> bool,
    added: &[(&str, String)],
) -> Vec<u8> {
    let method = request.method().unwrap_or_default();
    let mut builder = Builder::request(method, uri);
    for line in request.header_lines() {
        builder = match line.name.as_str() {
            "via" => match request.top_via() {
                Some(mut via) => {
                    via.params.set("branch", Some(branch));
                    builder.header("Via", via.to_string())
                }
                None => builder,
            },
            "cseq" => builder.header("CSeq", format!("{cseq} {method}")),
            "content-length" | "content-type" => builder,
            _ if replaced(line) => builder,
            _ => builder.header(&line.raw_name, &line.value),
        };
    }
    for (name, value) in added {
        builder = builder.header(name, value);
    }
    match request.content_type() {
        Some(content_type) if !request.body().is_empty() => {
            builder.body(content_type, request.body()).build()
        }
        _ => builder.build(),
    }
}
