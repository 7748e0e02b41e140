//! Placeholders of the torture messages in `fixtures/sip/torture`.

/// What stands for the placeholders of a message template. Each value is written as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholders {
    /// `{device}`: `user@host:port` of the device under test.
    pub device: String,
    /// `{lab}`: `host:port` the message is sent from.
    pub lab: String,
    /// `{transport}`: transport token of the Via.
    pub transport: String,
    /// `{branch}`: a fresh branch, cookie included.
    pub branch: String,
    /// `{call_id}`: a fresh Call-ID.
    pub call_id: String,
    /// `{tag}`: a fresh From tag.
    pub tag: String,
}

impl Placeholders {
    /// The message to send. Braces around anything else stay as they are.
    pub fn fill(&self, template: &[u8]) -> Vec<u8> {
        let names = [
            (&b"{device}"[..], &self.device),
            (b"{lab}", &self.lab),
            (b"{transport}", &self.transport),
            (b"{branch}", &self.branch),
            (b"{call_id}", &self.call_id),
            (b"{tag}", &self.tag),
        ];
        let mut out = Vec::with_capacity(template.len() + 64);
        let mut from = 0;
        for at in memchr::memchr_iter(b'{', template) {
            let rest = template.get(at..).unwrap_or_default();
            if let Some((name, value)) = names.iter().find(|(name, _)| rest.starts_with(name)) {
                out.extend_from_slice(template.get(from..at).unwrap_or_default());
                out.extend_from_slice(value.as_bytes());
                from = at + name.len();
            }
        }
        out.extend_from_slice(template.get(from..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once() {
        let values = Placeholders {
            device: "{lab}".into(),
            lab: "192.0.2.1:5060".into(),
            transport: "UDP".into(),
            branch: "z9hG4bK1".into(),
            call_id: "c".into(),
            tag: "t".into(),
        };
        assert_eq!(
            values.fill(b"{device} {lab}{transport};{branch} {call_id}{tag}{other} {"),
            b"{lab} 192.0.2.1:5060UDP;z9hG4bK1 ct{other} {"
        );
    }
}
