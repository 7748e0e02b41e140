//! Answers of the lab that were ordered instead of the usual ones.

use std::collections::BTreeMap;

use voxproof_record::TimelineEvent;
use voxproof_sip::mutate::Mutation;
use voxproof_sip::{Builder, Message, TransactionId, default_reason};

use crate::station::Station;

/// How the next requests of a kind are answered.
#[derive(Debug, Clone)]
pub struct Script {
    /// The method.
    pub method: String,
    /// The status; none means no answer at all.
    pub status: Option<u16>,
    /// Header fields of the answer.
    pub headers: BTreeMap<String, String>,
    /// How many requests.
    pub times: u32,
    /// Changes before the answer is sent.
    pub mutate: Vec<Mutation>,
}

impl Station {
    /// Answers the next requests of a kind in another way than usual.
    pub fn answer_with(&mut self, script: Script) {
        self.scripts.retain(|former| former.method != script.method);
        if script.times > 0 {
            self.scripts.push(script);
        }
    }

    /// Answers by a script, if there is one; returns whether.
    pub(crate) fn scripted(&mut self, id: TransactionId, message: &Message) -> bool {
        let Some(position) = self
            .scripts
            .iter()
            .position(|script| Some(script.method.as_str()) == message.method())
        else {
            return false;
        };
        let Some(script) = self.scripts.get_mut(position) else {
            return false;
        };
        script.times -= 1;
        let (status, headers) = (script.status, script.headers.clone());
        let mutations = script.mutate.clone();
        if script.times == 0 {
            self.scripts.remove(position);
        }
        if let Some(status) = status {
            let mut builder =
                Builder::response_to(message, status, default_reason(status)).to_tag(&self.ids.tag());
            for (name, value) in &headers {
                builder = builder.set(name, value);
            }
            let now = self.now();
            match self.mutated(builder.build(), &mutations) {
                Ok(bytes) => self.transactions.respond(now, id, bytes),
                // a mistake of the case is never the device's: it is in error, and nothing is sent in place of what it wants
                Err(error) => self.note(TimelineEvent::NotCarriedOut {
                    reason: error.to_string(),
                }),
            }
        }
        true
    }
}
