//! Queries to the lab's DNS server and requests to its HTTP server.

use std::time::Duration;

use serde_json::{Value, json};
use voxproof_record::TimelineEvent;
use voxproof_spec::{ServiceName, ServicesCheck, Verdict};

use crate::checks::{Answer, evaluate};
use crate::facts::{self, round};
use crate::media_checks::during;
use crate::view::View;

/// One query or request, as the timeline tells of it.
struct Use<'a> {
    at: Duration,
    service: ServiceName,
    fields: &'a [(String, String)],
}

impl Use<'_> {
    fn field(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The name asked for, or the path without its query.
    fn name(&self) -> &str {
        match self.service {
            ServiceName::Dns => self.field("name").trim_end_matches('.'),
            ServiceName::Http => self.field("target").split('?').next().unwrap_or_default(),
        }
    }

    fn kind(&self) -> &str {
        match self.service {
            ServiceName::Dns => self.field("type"),
            ServiceName::Http => self.field("method"),
        }
    }

    fn is_wanted(&self, check: &ServicesCheck) -> bool {
        let named = check.name.as_ref().is_none_or(|name| {
            match (self.service, name.strip_suffix('*')) {
                (ServiceName::Http, Some(beginning)) => self.name().starts_with(beginning),
                (ServiceName::Http, None) => self.name() == name,
                // names do not care for case (RFC 4343)
                (ServiceName::Dns, _) => self.name().eq_ignore_ascii_case(name.trim_end_matches('.')),
            }
        });
        let kind = check.kind.as_ref();
        self.service == check.service
            && named
            && kind.is_none_or(|kind| self.kind().eq_ignore_ascii_case(kind))
    }

    fn fact(&self, begin: Duration) -> Value {
        let transport = match self.service {
            ServiceName::Dns => self.field("transport"),
            ServiceName::Http => self.field("scheme"),
        };
        let answers: Vec<&str> = self
            .field("answers")
            .split("; ")
            .filter(|record| !record.is_empty())
            .collect();
        json!({
            "name": self.name(),
            "type": self.kind(),
            "transport": transport,
            "outcome": self.field("outcome"),
            "answers": answers,
            "status": self.field("status").parse::<i64>().unwrap_or(-1),
            "authenticated": self.field("authenticated") == "true",
            "client_certificate": self.field("client_certificate"),
            "user_agent": self.field("user_agent"),
            "at_ms": round((self.at.as_secs_f64() - begin.as_secs_f64()) * 1e3),
        })
    }

    fn describe(&self) -> String {
        format!("{} {}: {}", self.kind(), self.name(), self.field("outcome"))
    }
}

fn all<'a>(view: &'a View<'_>) -> Vec<Use<'a>> {
    let entries = view.evidence.timeline.entries.iter();
    entries
        .filter_map(|entry| {
            let TimelineEvent::Service { service, fields } = &entry.event else {
                return None;
            };
            let service = match service.as_str() {
                "dns" => ServiceName::Dns,
                "http" => ServiceName::Http,
                _ => return None,
            };
            Some(Use {
                at: Duration::from_nanos(entry.at),
                service,
                fields,
            })
        })
        .collect()
}

pub(crate) fn check(view: &View<'_>, check: &ServicesCheck) -> Answer {
    let mut expected = match check.service {
        ServiceName::Dns => "DNS queries".to_owned(),
        ServiceName::Http => "HTTP requests".to_owned(),
    };
    for wanted in check.kind.iter().chain(&check.name) {
        expected += &format!(" {wanted}");
    }
    let interval = match during(view, check.during.as_ref(), &mut expected) {
        Ok(interval) => interval,
        Err(answer) => return answer,
    };
    let made: Vec<Use<'_>> = all(view)
        .into_iter()
        .filter(|one| one.is_wanted(check))
        .filter(|one| interval.is_none_or(|(from, to)| one.at >= from && one.at < to))
        .collect();
    if let Some(expect) = &check.expect {
        expected += &format!(" with {}", **expect);
    }
    let (mut fitting, mut misfit) = (0_u32, None);
    for one in &made {
        let Some(expect) = &check.expect else {
            fitting += 1;
            continue;
        };
        let fact = one.fact(view.begin());
        let (verdict, paths, error) = evaluate(expect, &[("service", &fact)]);
        match (verdict, error) {
            (_, Some(error)) => return Answer::new(Verdict::Error, expected, error, vec![]),
            (Verdict::Pass, None) => fitting += 1,
            _ => {
                let shown = facts::actual(&paths, "service", &fact);
                misfit.get_or_insert_with(|| format!("{}: {shown}", one.describe()));
            }
        }
    }
    let seen = if made.is_empty() {
        "there was none".to_owned()
    } else {
        made.iter().map(Use::describe).collect::<Vec<_>>().join("; ")
    };
    let Some(count) = check.count else {
        let verdict = if misfit.is_some() || made.is_empty() {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
        return Answer::new(verdict, expected, misfit.unwrap_or(seen), vec![]);
    };
    expected += &match (count.min, count.max) {
        (Some(min), Some(max)) if min == max => format!(": {min}"),
        (Some(min), Some(max)) => format!(": {min} to {max}"),
        (Some(min), None) => format!(": at least {min}"),
        (None, Some(max)) => format!(": at most {max}"),
        (None, None) => String::new(),
    };
    let holds = count.min.is_none_or(|min| fitting >= min) && count.max.is_none_or(|max| fitting <= max);
    let verdict = if holds { Verdict::Pass } else { Verdict::Fail };
    Answer::new(
        verdict,
        expected,
        format!("{fitting} of {}: {seen}", made.len()),
        vec![],
    )
}
