//! Placeholders in the commands of a device file.

/// Fills `{name}` in. A value is quoted for the shell when it holds anything but plain characters, so `#` and `*` reach
/// the program. Braces that name no value stay as they are, and so does `${name}`, which is the shell's own.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        let value = from
            .find('}')
            .and_then(|close| from.get(1..close).map(|name| (close, name)))
            .filter(|_| !before.ends_with('$'))
            .and_then(|(close, name)| {
                values
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (close, value))
            });
        if let Some((close, value)) = value {
            filled.push_str(&quoted(value));
            rest = from.get(close + 1..).unwrap_or_default();
        } else {
            filled.push('{');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    filled.push_str(rest);
    filled
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+.,:=@%/".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_names_are_filled_in() {
        let values = [
            ("uri", "sip:a@127.0.0.1:5060"),
            ("digits", "12#*"),
            ("password", "it's"),
        ];
        assert_eq!(fill("dial {uri}", &values), "dial sip:a@127.0.0.1:5060");
        assert_eq!(fill("keys {digits} {digits}", &values), "keys '12#*' '12#*'");
        assert_eq!(fill("auth {password}", &values), r"auth 'it'\''s'");
        assert_eq!(
            fill("awk '{print $1}' ${uri} {other} {", &values),
            "awk '{print $1}' ${uri} {other} {"
        );
        assert_eq!(fill("x={{uri}}", &values), "x={sip:a@127.0.0.1:5060}");
        assert_eq!(fill("{empty}", &[("empty", "")]), "''");
    }

    #[test]
    fn a_value_is_never_filled_in_again() {
        assert_eq!(fill("{a}", &[("a", "{b}"), ("b", "c")]), "'{b}'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn text_without_known_names_is_left_alone(text in "[a-z{}$ é]{0,40}") {
            prop_assert_eq!(fill(&text, &[("URI", "x")]), text);
        }

        #[test]
        fn the_shell_sees_the_value(value in "[ -~]{0,20}") {
            let output = std::process::Command::new("sh")
                .arg("-c").arg(fill("printf %s {v}", &[("v", &value)])).output().unwrap();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }
}
