//! Event packages: subscriptions (RFC 6665) and the bodies they carry, lenient to read, exact to write.

mod dialog_info;
mod message_summary;
mod presence;
mod sipfrag;
mod subscription;
mod voice_quality;
mod xml;

pub use dialog_info::{DialogInfo, DialogParticipant, DialogRecord, DialogState};
pub use message_summary::{MessageCounts, MessageSummary};
pub use presence::{Presence, PresenceTuple};
pub use sipfrag::Sipfrag;
pub use subscription::{Notifier, SubscribeAnswer, Subscriber, SubscriberEvent, SubscriberState};
pub use voice_quality::{QualityMetrics, QualityReport, QualityReportKind};
