//! The faults of the phone: for every test case of the lab, something that makes it fail.

use std::fmt;
use std::str::FromStr;

/// One table for the variant, its name and its description, so that they cannot come apart. The second half has no
/// case of the suite yet.
macro_rules! faults {
    (covered { $($covered:ident $name:literal $description:literal)* }
     pending { $($pending:ident $pending_name:literal $pending_description:literal)* }) => {
        /// One wrong behaviour. The others stay right, except where [`Fault::is_broad`] says that many cases notice.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $(#[doc = $description] $covered,)*
            $(#[doc = $pending_description] $pending,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$covered,)* $(Self::$pending,)*];

            /// The faults that no case of the suite has been written for yet.
            pub const PENDING: &[Self] = &[$(Self::$pending,)*];

            const fn entry(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$covered => ($name, $description),)*
                    $(Self::$pending => ($pending_name, $pending_description),)*
                }
            }
        }
    };
}

faults! {
    covered {
    RegisterCallIdChanged "register-call-id-changed"
        "Each registration attempt after a challenge looks like a new phone to the registrar, because its Call-ID changes (RFC 3261 10.2)."
    RegisterIgnores423 "register-ignores-423"
        "The phone stays unregistered when the registrar asks for a longer expiry (RFC 3261 10.2.8)."
    RegisterIgnoresStale "register-ignores-stale"
        "The phone loses its registration when the server renews its nonce, although name and password are right (RFC 3261 22.2)."
    NoUnregister "no-unregister"
        "A phone that was switched off still seems registered, and calls to it ring into nothing (RFC 3261 10.2.2)."
    RtpAfterBye "rtp-after-bye"
        "The phone keeps sending speech for three seconds after the other side has hung up (RFC 3261 15)."
    NoByeAnswer "no-bye-answer"
        "The other side's hang-up stays unanswered and is repeated for half a minute (RFC 3261 15.1.2)."
    CalleeByeLacksToTag "callee-bye-lacks-to-tag"
        "Hanging up a received call does not end it at the other side, because the BYE names no dialog (RFC 3261 12.2.1.1)."
    AckToRequestUri "ack-to-request-uri"
        "The ACK of a placed call is addressed to the dialled number instead of the answering device (RFC 3261 13.2.2.4)."
    CancelNewBranch "cancel-new-branch"
        "A call that was given up keeps ringing at the other side, because the CANCEL matches no call (RFC 3261 9.1)."
    No487OnCancel "no-487-on-cancel"
        "A caller that gives up never sees its call end, because only the CANCEL is answered (RFC 3261 9.2)."
    RejectWith500 "reject-with-500"
        "A rejected caller hears an error announcement instead of the busy tone (RFC 3261 21.4.24)."
    NoAckToFailure "no-ack-to-failure"
        "The server repeats its refusal of a call for half a minute (RFC 3261 17.1.1.3)."
    SsrcChanges "ssrc-changes"
        "The listener hears drop-outs each second, because the stream claims a new source (RFC 3550 8)."
    TimestampStepWrong "timestamp-step-wrong"
        "Speech is heard at half speed or with gaps, because RTP timestamps advance twice too fast (RFC 3550 5.1)."
    WrongPayloadType "wrong-payload-type"
        "Nothing is heard, because the packets carry a payload type that was never negotiated (RFC 3264 5.1)."
    WrongLaw "wrong-law"
        "Speech is loud and distorted, because it is coded in the other companding law (RFC 3551 4.5.14)."
    PcmaEncodedAsPcmu "pcma-encoded-as-pcmu"
        "Speech is distorted in A-law calls only, because mu-law is sent in them (RFC 3551 4.5.14)."
    NoAudio "no-audio"
        "The call is up, but the phone never sends a packet of speech (RFC 3264 5.1)."
    LevelMinus20Db "level-minus-20db"
        "The speech of the phone's user is much too quiet."
    ExtraDelay200Ms "extra-delay-200ms"
        "Talking is awkward, because the phone plays everything 200 ms later than it need."
    AnswerAddsUnofferedCodec "answer-adds-unoffered-codec"
        "The answer lists G.729, which nobody offered (RFC 3264 6.1)."
    AcceptsNoCommonCodec "accepts-no-common-codec"
        "A call without a codec in common is answered and stays silent instead of being refused with 488 (RFC 3261 13.3.1.3)."
    RejectsDelayedOffer "rejects-delayed-offer"
        "Calls that leave the offer to the phone are refused (RFC 3261 13.2.1)."
    HoldIgnored "hold-ignored"
        "Putting the phone on hold does nothing: it keeps talking (RFC 3264 8.4)."
    HoldSendonlyKeepsSending "hold-sendonly-keeps-sending"
        "The phone agrees to be put on hold by sendonly, but keeps sending speech (RFC 3264 8.4)."
    HoldInactiveRejected "hold-inactive-rejected"
        "Putting the phone on hold by inactive fails with 488 (RFC 3264 8.4)."
    OfferlessReinviteKeepsHold "offerless-reinvite-keeps-hold"
        "A held call that is taken back without an offer stays silent, because the phone offers its held state (RFC 3261 14.2)."
    SdpVersionNotBumped "sdp-version-not-bumped"
        "The other side may miss hold and resume, because the session version stays the same (RFC 3264 8)."
    DtmfNoEndPackets "dtmf-no-end-packets"
        "Menus hear keys that never end, because no telephone-event packet has the end bit (RFC 4733 2.5.1.3)."
    DtmfFixedPayloadType "dtmf-fixed-payload-type"
        "Menus that negotiate another payload type than 101 hear no keys (RFC 3264 5.1)."
    DtmfDuplicatedDigit "dtmf-duplicated-digit"
        "Every key is heard twice."
    No180 "no-180"
        "The caller hears no ringing tone, because no provisional response is sent (RFC 3261 13.3.1.1)."
    OptionsWithoutAllow "options-without-allow"
        "The server cannot tell what the phone is able to do, because Allow is missing from its answer (RFC 3261 11.2)."
    OptionsUnanswered "options-unanswered"
        "The server takes the phone for dead, because it does not answer OPTIONS (RFC 3261 11.2)."
    UnknownMethod200 "unknown-method-200"
        "The phone claims to have done what it does not know (RFC 3261 8.2.1)."
    RequireIgnored "require-ignored"
        "The phone accepts requests that require an extension it does not have (RFC 3261 8.2.2.3)."
    StrayBye200 "stray-bye-200"
        "The phone confirms the end of a call that never was (RFC 3261 15.1.2)."
    OkNotRetransmitted "ok-not-retransmitted"
        "An answered call is lost when one packet is, because the 200 is sent only once (RFC 3261 13.3.1.4)."
    AckIgnored "ack-ignored"
        "The phone repeats its 200 although the caller has acknowledged it (RFC 3261 13.3.1.4)."
    NoByeWithoutAck "no-bye-without-ack"
        "A call whose caller vanished while it was answered stays up for ever (RFC 3261 13.3.1.4)."
    FailureNotRetransmitted "failure-not-retransmitted"
        "The caller of a refused call waits for nothing when one packet is lost (RFC 3261 17.2.1)."
    DuplicateInviteSecondAnswer "duplicate-invite-second-answer"
        "A repeated INVITE is taken for a second call and refused as busy (RFC 3261 17.2.3)."
    ReferNoNotify "refer-no-notify"
        "Whoever transfers the phone never learns how it went (RFC 3515 2.4.4)."
    ReferWrongTarget "refer-wrong-target"
        "A transferred phone calls somebody else (RFC 3515 2.4.2)."
    TransferWrongTarget "transfer-wrong-target"
        "A transferring phone sends the other side to somebody else (RFC 3515 2.4.1)."
    IgnoresNewRtpAddress "ignores-new-rtp-address"
        "Speech is lost after the other side moves its media, because the phone keeps sending to the old port (RFC 3264 8.3.1)."
    ReceiveDropsEveryThirdPacket "receive-drops-every-third-packet"
        "The user hears chopped speech, because every third packet is not played."
    ReceiveSilent "receive-silent"
        "The user hears nothing."
    ReceiveStops "receive-stops"
        "The user hears nothing any more after the first seven seconds of a call."
    LowCseqAccepted "low-cseq-accepted"
        "The phone acts on an outdated request in a call (RFC 3261 12.2.2)."
    CancelAnswered481 "cancel-answered-481"
        "A caller that gives up is told that there is no such call (RFC 3261 9.2)."
    NeverAnswers "never-answers"
        "Calls to the phone get no answer at all."
    AnswersGarbage "answers-garbage"
        "Calls to the phone are answered with bytes that are not SIP."
    DiesInCall "dies-in-call"
        "The phone crashes one second after it answers, without a BYE."
    Sha256Unsupported "sha256-unsupported"
        "The phone cannot log in where the server asks for SHA-256, because it answers MD5 challenges only (RFC 8760 2.1)."
    SecondRealmDropped "second-realm-dropped"
        "Calls through two proxies that both ask for a password fail, because only the first is answered (RFC 3261 22.3)."
    NonceCountStuck "nonce-count-stuck"
        "A server that watches for replays refuses the phone, because the nonce count of its credentials never goes up (RFC 7616 3.4)."
    AuthIntBodyIgnored "auth-int-body-ignored"
        "Calls fail where the server asks for auth-int, because the hash leaves out the body (RFC 7616 3.4.3)."
    ServiceRouteIgnored "service-route-ignored"
        "Calls do not take the way that the registrar prescribed, because its Service-Route is ignored (RFC 3608 5)."
    PathUnsupported "path-unsupported"
        "A proxy that needs Path to reach the phone refuses its registration, because the phone does not say that it supports it (RFC 3327 5.1)."
    RegisterHammers403 "register-hammers-403"
        "A phone whose account is closed loads the server with an attempt each second (RFC 3261 21.4.4)."
    RetryAfterIgnored "retry-after-ignored"
        "A server that is overloaded gets no rest, because the phone comes back before the time it was told (RFC 3261 20.33)."
    RedirectIgnored "redirect-ignored"
        "A call to somebody who has moved fails, although the answer says where to (RFC 3261 8.1.3.4)."
    RedirectWrongOrder "redirect-wrong-order"
        "A redirected call tries the least wanted address first, because the q values are ignored (RFC 3261 8.1.3.4)."
    SecondOkUnacked "second-200-unacked"
        "When two of the called phones are answered at once, one of them stays in a call with nobody (RFC 3261 13.2.2.4)."
    SecondOkKept "second-200-kept"
        "When two of the called phones are answered at once, the second call is acknowledged and never ended (RFC 3261 13.2.2.4)."
    CancelRaceNoBye "cancel-race-no-bye"
        "A call that is answered in the moment it is given up stays up, because no BYE follows the late 200 (RFC 3261 9.1)."
    ReliableRequiredIgnored "100rel-required-ignored"
        "A caller that requires reliable ringing cannot rely on it, because the phone's 180 is an ordinary one (RFC 3262 3)."
    ReliableNotRetransmitted "reliable-provisional-not-retransmitted"
        "The caller hears no ringing tone when one packet is lost, because a reliable 180 is sent only once (RFC 3262 3)."
    PrackUnmatched200 "prack-unmatched-200"
        "The phone confirms a PRACK for a response that it never sent (RFC 3262 3)."
    PrackMissing "prack-missing"
        "Calls through gateways that ring reliably fail after half a minute, because the phone sends no PRACK (RFC 3262 4)."
    PrackWrongRack "prack-wrong-rack"
        "Calls through gateways that ring reliably fail, because the phone's PRACK names another response (RFC 3262 7.2)."
    UpdateRefused "update-refused"
        "Changes of a call by UPDATE fail, although the phone says that it allows them (RFC 3311 4)."
    UpdateOfferIgnored "update-offer-ignored"
        "Changes of a call by UPDATE are confirmed and not made, because the offer gets no answer (RFC 3311 5.2)."
    SessionTimerTooSmallAccepted "session-timer-too-small-accepted"
        "The call is refreshed every few seconds, because the phone takes any interval (RFC 4028 9)."
    SessionTimer422Ignored "session-timer-422-ignored"
        "Calls to somebody who wants longer session intervals fail, because the phone does not call again (RFC 4028 7.3)."
    SessionTimerNoRefresh "session-timer-no-refresh"
        "Long calls are cut, because the phone has agreed to refresh the session and does not (RFC 4028 10)."
    SessionTimerNoBye "session-timer-no-bye"
        "A call whose other side has vanished stays up for ever, although its session interval is over (RFC 4028 10)."
    GlareAccepted "glare-accepted"
        "When both sides change the call in one moment, they end up with different ideas of it (RFC 3261 14.2)."
    GlareNoRetry "glare-no-retry"
        "Putting somebody on hold is lost when the other side changes the call in the same moment (RFC 3261 14.1)."
    ReplacesIgnored "replaces-ignored"
        "A transfer to the phone after asking there fails, because the replacing call is taken for a second one and refused as busy (RFC 3891 3)."
    ReplacesKeepsOldCall "replaces-keeps-old-call"
        "After a transfer the call it replaced stays up beside the new one, because it is not ended (RFC 3891 3)."
    ReplacesUnmatchedAccepted "replaces-unmatched-accepted"
        "A call that shall replace one that is not there is taken as a new call (RFC 3891 3)."
    ReferredByDropped "referred-by-dropped"
        "The called person cannot see who transferred the call, because Referred-By is not passed on (RFC 3892 2.1)."
    MessageRefused "message-refused"
        "Text messages to the phone are refused (RFC 3428 7)."
    InfoUnknownBody200 "info-unknown-body-200"
        "The phone confirms an INFO that it does not understand (RFC 6086 4.2.2)."
    CheckSyncUnchallenged "check-sync-unchallenged"
        "Whoever reaches the phone can make it fetch its configuration again, because check-sync is obeyed without a password (RFC 3261 22)."
    StrayNotify200 "stray-notify-200"
        "The phone confirms a NOTIFY for a subscription that never was (RFC 6665 4.1.3)."
    AcceptIgnored "accept-ignored"
        "The phone sends a session description to a caller that said it takes none (RFC 3261 20.1)."
    RtcpNone "rtcp-none"
        "The other side never learns how its speech arrives, because the phone sends no reports (RFC 3550 6)."
    RtcpTooOften "rtcp-too-often"
        "Reports take more of the network than their share, because each is sent twice (RFC 3550 6.2)."
    RtcpCnameChanges "rtcp-cname-changes"
        "Streams of the phone cannot be told to be of one source, because its canonical name changes with each report (RFC 3550 6.5.1)."
    RtcpNoBye "rtcp-no-bye"
        "The other side waits for a source that has left, because the phone ends without a goodbye (RFC 3550 6.6)."
    PtimeIgnored "ptime-ignored"
        "Devices that ask for packets of another length get them as if they had not (RFC 8866 6.4)."
    LongPacketsNotSent "long-packets-not-sent"
        "Devices on a narrow link that ask for packets of 40 ms and more get short ones (RFC 8866 6.4)."
    ShortPacketsNotSent "short-packets-not-sent"
        "Devices that ask for packets of 10 ms, for less delay, get longer ones (RFC 8866 6.4)."
    PacketsOf30MsNotSent "packets-of-30-ms-not-sent"
        "Devices that work in blocks of 30 ms get packets that do not fit theirs (RFC 8866 6.4)."
    ShortPacketsUnplayed "short-packets-unplayed"
        "The user hears nothing of devices that send packets of 10 ms, because shorter ones than the phone's own are thrown away (RFC 3551 4.2)."
    PacketsOf30MsCut "packets-of-30-ms-cut"
        "Speech from devices that send packets of 30 ms is chopped, because only their first 20 ms are played (RFC 3551 4.2)."
    PresenceUnread "presence-unread"
        "Contacts seem to be away for ever, because what is told of their presence is refused (RFC 3856 6.7)."
    MergedAccepted "merged-request-accepted"
        "A call that arrives by two ways rings or is refused twice instead of being recognised as one (RFC 3261 8.2.2.2)."
    SavpAnsweredWithAvp "savp-answered-with-avp"
        "A protected call is answered unprotected, so that everybody on the way can listen (RFC 3264 6)."
    SrtpAnswerWrongTag "srtp-answer-wrong-tag"
        "Protected calls stay silent, because the answer names keys that were not offered (RFC 4568 5.1.2)."
    SrtpBadTag "srtp-bad-tag"
        "Protected calls stay silent, because no packet can be authenticated (RFC 3711 4.2)."
    SrtpSendsPlain "srtp-sends-plain"
        "A call that is shown as protected is not, because the packets are sent in clear (RFC 3711 3.1)."
    G722Rtpmap16000 "g722-rtpmap-16000"
        "Wideband calls to strict devices fail, because the answer calls the RTP clock of G.722 16 kHz (RFC 3551 4.5.2)."
    G722Clock16000 "g722-clock-16000"
        "Wideband speech is heard with gaps, because its RTP clock runs at 16 kHz instead of 8 kHz (RFC 3551 4.5.2)."
    EarlyMediaSilent "early-media-silent"
        "The caller does not hear announcements before the call is answered (RFC 3960 3.1)."
    EarlyMediaBeforeRingingUnheard "early-media-before-ringing-unheard"
        "The caller does not hear announcements of servers that never say 180 (RFC 3960 3.1)."
    TwoChallengesConfused "two-challenges-confused"
        "The phone cannot log in where the server offers two algorithms, because it answers the one with the algorithm of the other (RFC 8760 2.4)."
    RouteSetIgnored "route-set-ignored"
        "Requests in a received call pass by the proxies that have to see them, because what they recorded is forgotten (RFC 3261 12.1.1)."
    RouteSetReversed "route-set-reversed"
        "Requests in a received call visit the recorded proxies in the wrong order and get lost (RFC 3261 12.1.1)."
    RouteSetNotReversed "route-set-not-reversed"
        "Requests in a placed call visit the recorded proxies in the wrong order and get lost (RFC 3261 12.1.2)."
    StrictRouteAsLoose "strict-route-as-loose"
        "Calls through an old proxy cannot be ended, because it is not addressed as it needs (RFC 3261 12.2.1.1)."
    LateAckEndsCall "late-ack-ends-call"
        "A call whose first acknowledgement was lost is ended by the second one (RFC 3261 13.3.1.4)."
    ByeRepeat481 "bye-repeat-481"
        "A hang-up that is repeated because its answer was lost is answered as if there had been no call (RFC 3261 17.2.2)."
    AckNotRepeated "ack-not-repeated"
        "A placed call is cut after half a minute when its acknowledgement was lost once, because a repeated 200 gets none (RFC 3261 13.2.2.4)."
    FailureAckNotRepeated "failure-ack-not-repeated"
        "The server repeats its refusal for half a minute when the acknowledgement was lost once (RFC 3261 17.1.1.2)."
    InviteNotRetransmitted "invite-not-retransmitted"
        "A call is not placed when one packet is lost, because the INVITE is sent only once (RFC 3261 17.1.1.2)."
    TimerEUncapped "timer-e-uncapped"
        "Login takes half a minute longer than it need after an outage, because the pauses between attempts grow without bound (RFC 3261 17.1.2.2)."
    ByeNotRetransmitted "bye-not-retransmitted"
        "The other side stays in the call when one packet is lost, because the BYE is sent only once (RFC 3261 17.1.2.2)."
    UpdateTargetIgnored "update-target-ignored"
        "After the other side has moved by UPDATE, hanging up does not reach it (RFC 3311 5.1)."
    ReinviteTargetIgnored "reinvite-target-ignored"
        "After the other side has moved by re-INVITE, hanging up does not reach it (RFC 3261 12.2.2)."
    RedirectLoop "redirect-loop"
        "A call that is redirected to where it came from goes round and round (RFC 3261 8.1.3.4)."
    ForkedAckToFirstBranch "forked-ack-to-first-branch"
        "Of two phones that ring, the wrong one gets the acknowledgement (RFC 3261 13.2.2.4)."
    NoReferSubIgnored "norefersub-ignored"
        "A server that wants no reports of a transfer gets them all the same (RFC 4488 4)."
    SessionRefreshIgnored "session-refresh-ignored"
        "Long calls are cut although the other side has refreshed them (RFC 4028 9)."
    CancelBeforeProvisional "cancel-before-provisional"
        "A call that is given up at once rings all the same, because the CANCEL overtakes its INVITE (RFC 3261 9.1)."
    RefusedHoldEndsCall "refused-hold-ends-call"
        "A call ends when the other side does not want to be put on hold (RFC 3261 14.1)."
    RefusedTransferEndsCall "refused-transfer-ends-call"
        "The caller is lost when its transfer is refused (RFC 3515 2.4.2)."
    OptionsInCallRefused "options-in-call-refused"
        "Servers that look after a call by OPTIONS take it for dead and end it (RFC 3261 11.2)."
    LongPacketsCut "long-packets-cut"
        "Speech from devices that send long packets is chopped, because only their first 40 ms are played (RFC 3551 4.2)."
    StaticPayloadType "static-payload-type"
        "Nothing is heard where a codec has another number than the usual one, because the usual one is sent (RFC 3264 5.1)."
    KeyStopsPlayout "key-stops-playout"
        "The user hears nothing any more once the other side has pressed a key."
    LatePacketsDropped "late-packets-dropped"
        "The user hears drop-outs on a network with a little jitter, because packets that come some milliseconds late are thrown away."
    HeldUpPacketsDropped "held-up-packets-dropped"
        "The user hears drop-outs on a wireless network, because the jitter buffer is too short for packets that were held up there."
    ReorderedPacketsDropped "reordered-packets-dropped"
        "The user hears drop-outs where packets overtake each other, because the late one is thrown away (RFC 3550 5.1)."
    RtcpLossHidden "rtcp-loss-hidden"
        "The other side believes that all its speech arrives, because the reports never tell of losses (RFC 3550 6.4.1)."
    ExtraSectionDropped "extra-section-dropped"
        "A call that offers video beside audio fails, because the answer has fewer sections than the offer (RFC 3264 6)."
    SecondCallEndsFirst "second-call-ends-first"
        "A second caller throws the first one out of the line."
    OtherContactsExpiryTaken "other-contacts-expiry-taken"
        "The phone is off the line for an hour where its user has another phone as well, because it takes that one's expiry for its own (RFC 3261 10.2.4)."
    StrangerRings "stranger-rings"
        "The phone rings at the wish of whoever reaches its address, although its user has calls from its server only."
    SrtpLongTag "srtp-long-tag"
        "Protected calls with short tags stay silent, because the phone sends long ones (RFC 4568 6.2.2)."
    SrtpAes256Refused "srtp-aes-256-refused"
        "Calls that are protected by 256-bit keys are refused (RFC 6188 2)."
    SrtpGcmRefused "srtp-gcm-refused"
        "Calls that are protected by AES-GCM are refused (RFC 7714 14.1)."
    SrtpUnknownSuiteAccepted "srtp-unknown-suite-accepted"
        "A call whose protection the phone does not know is taken, and nobody hears anything (RFC 4568 5.1.2)."
    SrtpRekeyIgnored "srtp-rekey-ignored"
        "The user hears nothing any more once the other side has changed its keys (RFC 4568 7.1.4)."
    SrtpMkiUnread "srtp-mki-unread"
        "The user hears nothing where packets name their key, because the name is taken for a part of the tag (RFC 3711 3.1)."
    OutboundWithoutInstance "outbound-without-instance"
        "The registrar cannot tell the phone's flows from another phone's, because its Contact has no instance identifier (RFC 5626 4.1)."
    MwiNoSubscribe "mwi-no-subscribe"
        "The message lamp stays dark, because the phone does not subscribe to its mailbox (RFC 3842 3)."
    SubscriptionNotRefreshed "subscription-not-refreshed"
        "The message lamp stops working after an hour, because the subscription is not refreshed (RFC 6665 4.1.2.2)."
    NoUnsubscribe "no-unsubscribe"
        "A phone that was switched off is still told about its mailbox (RFC 6665 4.1.2.3)."
    SrtpRocStuck "srtp-roc-stuck"
        "Protected calls fall silent when the sequence numbers start over, because the roll-over is not counted (RFC 3711 3.3.1)."
    TcpSecondMessageLost "tcp-second-message-lost"
        "Over TCP some messages get no answer, because only the first of a segment is read (RFC 3261 18.3)."
    NoReconnect "no-reconnect"
        "After the server has restarted nobody reaches the phone, because it does not connect again (RFC 5626 4.5)."
    QualityReportMissing "quality-report-missing"
        "The collector of call quality learns nothing of the phone's calls (RFC 6035 4.1)."
    RtcpMuxIgnored "rtcp-mux-ignored"
        "Reports are lost in firewalls, because they go to a port that was given up (RFC 5761 5.1.1)."
    DtmfClock8000 "dtmf-clock-8000"
        "Menus hear keys of the wrong length in Opus calls, because their durations count at 8 kHz instead of 48 kHz (RFC 4733 2.1)."
    XrMissing "xr-missing"
        "The other side asks for VoIP metrics and never gets them (RFC 3611 5.1)."
    XrLossUnreported "xr-loss-unreported"
        "Bad lines look good, because the VoIP metrics say that nothing was lost (RFC 3611 4.7.1)."
    ComfortNoiseMissing "comfort-noise-missing"
        "The line sounds dead between words, because silence is neither sent nor described (RFC 3389 4)."
    ComfortNoiseUnasked "comfort-noise-unasked"
        "The listener hears noise or nothing between words, because silence is described to a side that never took that (RFC 3264 5.1)."
    DtlsWrongFingerprint "dtls-wrong-fingerprint"
        "Protected calls stay silent, because the description names another certificate than the handshake shows (RFC 5763 5)."
    DtlsFingerprintUnchecked "dtls-fingerprint-unchecked"
        "Whoever sits on the way can listen, because the phone takes any certificate (RFC 5763 5)."
    DtlsAnswersActpass "dtls-answers-actpass"
        "Protected calls may stay silent, because the answer leaves open who begins the handshake (RFC 5763 5)."
    DeactivatedNotResubscribed "deactivated-not-resubscribed"
        "The message lamp is dark after the server has sent its phones to its neighbour, because the phone does not subscribe again (RFC 6665 4.1.3)."
    DialogFormatUnnamed "dialog-format-unnamed"
        "The lamps of colleagues stay dark at servers that keep to what a phone takes, because it names another format (RFC 4235 3.5)."
    DialogInfoUnread "dialog-info-unread"
        "The lamps of colleagues stay dark, because what is told of their calls is refused (RFC 4235 3.5)."
    AnyCertificateAccepted "any-certificate-accepted"
        "Whoever stands between phone and server can log the phone in at himself, because any certificate is taken (RFC 3261 26.3.1)."
    CertificateNameIgnored "certificate-name-ignored"
        "Whoever has a certificate for something else can pose as the server, because its name is not looked at (RFC 5922 7.2)."
    AttendedTransferWithoutReplaces "attended-transfer-without-replaces"
        "After an attended transfer the called person's phone rings a second time, because the REFER does not say which call to replace (RFC 5589 7.1)."
    NoFailover "no-failover"
        "The phone is out of service while its first server is, although its domain has a second one (RFC 3263 4.3)."
    SrvOrderIgnored "srv-order-ignored"
        "The phone registers at the server of last resort, because the priorities of the service records are ignored (RFC 2782)."
    ProvisioningIgnored "provisioning-ignored"
        "A setting that is changed at the provisioning server stays as it was, although the phone fetches its configuration."
    NotListening "not-listening"
        "Requests that are too long for a datagram are lost, because nobody can connect to the phone (RFC 3261 18.2.1)."
    CheckSyncNotFetched "check-sync-not-fetched"
        "A phone that is told to fetch its configuration again confirms that and keeps the old one."
    LongMessageLost "long-message-lost"
        "Calls with a long description or many header fields are lost, because no message of more than four kilobytes is read from a connection (RFC 3261 18.3)."
    LongDatagramLost "long-datagram-lost"
        "Calls with a long description are lost, because no datagram of more than 2500 bytes is read (RFC 3261 18.1.1)."
    LongRequestsOverUdp "long-requests-over-udp"
        "Hanging up fails where many proxies are on the way, because requests that are too long for a datagram are sent as one (RFC 3261 18.1.1)."
    KeepAliveMissing "keep-alive-missing"
        "The way back to the phone is closed by the first firewall, because nothing keeps its connection alive (RFC 5626 4.4.1)."
    MissingPongUnnoticed "missing-pong-unnoticed"
        "A phone whose server has fallen silent waits for it for ever, because nobody looks for its pong (RFC 5626 4.4.1)."
    CodecChangeIgnored "codec-change-ignored"
        "A call that is handed over to a line with another codec falls silent, because the old codec is sent on (RFC 3264 8.3.2)."
    DtmfUnnegotiated "dtmf-unnegotiated"
        "Old gateways stumble over packets that they never took, because keys are sent as telephone-events to everybody (RFC 3264 6.1)."
    UnsolicitedMwiRefused "unsolicited-mwi-refused"
        "The message lamp stays dark at servers that tell of messages without being asked, because that is refused."
    NoRport "no-rport"
        "Behind a router the phone gets no answers, because it does not ask for them at the port that it sends from (RFC 3581 3)."
    RportIgnored "rport-ignored"
        "Senders behind a router get no answers, because they are sent to a port that nobody outside knows (RFC 3581 4)."
    VoiceUnmarked "voice-unmarked"
        "Speech is chopped when the network is busy, because its packets do not say that they are in a hurry (RFC 2474 3)."
    RingingStopsEarlyMedia "ringing-stops-early-media"
        "An announcement breaks off when the called phone begins to ring, because the phone's own ringing tone takes its place (RFC 3960 3.2)."
    AnswerModeIgnored "answer-mode-ignored"
        "The intercom does not work, because calls that are to be answered at once ring (RFC 5373 4)."
    EarlyReplacesAccepted "early-replaces-accepted"
        "Somebody else can take over a call that is ringing at this phone, and its user never knows (RFC 3891 3)."
    NewSourceUnplayed "new-source-unplayed"
        "The user hears nothing any more once the call was handed over to another device, because only the first source of speech is played (RFC 3550 8.2)."
    HangUpLostWithConnection "hang-up-lost-with-connection"
        "A call whose connection was lost meanwhile stays up at the other side, because nothing is sent in it any more (RFC 3261 18.1.1)."
    DialogVersionGapIgnored "dialog-version-gap-ignored"
        "The lamp of a colleague stays wrong after a lost message, because nobody notices that one is missing (RFC 4235 4.3)."
    Tls12Refused "tls12-refused"
        "The phone cannot log in at a server that has TLS 1.2 only (BCP 195)."
    ReceiveFaint "receive-faint"
        "The user hears the other side much too quietly."
    ReceiveOverdriven "receive-overdriven"
        "What the user hears is rough, because the receiver cuts the peaks of the waveform off."
    ReceiveHiss "receive-hiss"
        "The user hears a loud hiss whenever the other side is silent."
    ReceiverWakesSlowly "receiver-wakes-slowly"
        "The user misses the first words after a silence of two seconds, because the receiver was switched off in it."
    MuLawCoarse "mu-law-coarse"
        "The speech of the phone's user is rough in mu-law calls, because only the segment of each sample is coded (ITU-T G.711)."
    PcmaDecodedAsPcmu "pcma-decoded-as-pcmu"
        "The user hears A-law calls loud and torn, because they are decoded as mu-law (RFC 3551 4.5.14)."
    MicrophoneHiss "microphone-hiss"
        "The other side hears a loud hiss while the phone's user is silent."
    FramesRepeated "frames-repeated"
        "The other side hears a stutter every few seconds, because a piece of speech is sent twice."
    ClockFast200Ppm "clock-fast-200ppm"
        "The other side hears a click now and then, because the phone's sampling clock is 200 ppm fast."
    LossCrackles "loss-crackles"
        "The user hears loud crackle on a network that loses packets, because whatever the buffer holds is played in their place."
    BurstLossMutes "burst-loss-mutes"
        "The user hears nothing for a second when a few packets in a row are lost."
    JitterBufferNeverShrinks "jitter-buffer-never-shrinks"
        "The user talks over the other side after the network was uneven once, because the longer delay stays for the whole call."
    G722Quiet "g722-quiet"
        "The speech of the phone's user is too quiet in wideband calls, because samples of 16 bits are shifted as if they had 13 (ITU-T G.722)."
    OpusOverdriven "opus-overdriven"
        "The speech of the phone's user is loud and torn in Opus calls, because it is raised by 24 dB before it is coded."
    }
    pending {
    }
}

impl Fault {
    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        self.entry().0
    }

    /// What the user of such a phone, or the other side, would notice; one sentence.
    pub const fn description(self) -> &'static str {
        self.entry().1
    }

    /// Whether it breaks so much that many test cases see it.
    pub const fn is_broad(self) -> bool {
        matches!(
            self,
            Self::WrongPayloadType
                | Self::WrongLaw
                | Self::NoAudio
                | Self::TimestampStepWrong
                | Self::HoldIgnored
                | Self::NeverAnswers
                | Self::AnswersGarbage
                | Self::DiesInCall
                | Self::ReceiveSilent
                | Self::ReceiveDropsEveryThirdPacket
                | Self::SavpAnsweredWithAvp
                | Self::SrtpAnswerWrongTag
                | Self::PtimeIgnored
                | Self::OptionsUnanswered
                | Self::RouteSetIgnored
        )
    }

    /// Whether a case of the suite is there to notice it.
    pub fn is_covered(self) -> bool {
        !Self::PENDING.contains(&self)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No fault has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulated phone has no fault `{name}`{}", .suggestion.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownFault {
    /// What was asked for.
    pub name: String,
    /// The nearest fault, when one is near.
    pub suggestion: Option<Fault>,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(fault) = Self::ALL.iter().find(|fault| fault.name() == name) {
            return Ok(*fault);
        }
        let wanted = name.trim().to_ascii_lowercase().replace('_', "-");
        // comparing is quadratic in the length: a longer name is no misspelling of any of these
        let suggestion = (wanted.len() <= 64)
            .then(|| {
                Self::ALL
                    .iter()
                    .map(|fault| (distance(fault.name(), &wanted), *fault))
                    .min()
            })
            .flatten()
            .filter(|(distance, fault)| *distance <= fault.name().len() / 3)
            .map(|(_, fault)| fault);
        Err(UnknownFault {
            name: name.to_owned(),
            suggestion,
        })
    }
}

/// Levenshtein distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = substituted.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_kebab_case_unique_and_parse_back() {
        let mut names = BTreeSet::new();
        for fault in Fault::ALL {
            let name = fault.name();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!(names.insert(name), "{name}");
            assert_eq!(name.parse(), Ok(*fault));
            let description = fault.description();
            assert!(
                description.ends_with('.') && !description.contains(". "),
                "{name}: one sentence"
            );
        }
        assert_eq!(names.len(), Fault::ALL.len());
        assert_eq!(Fault::ALL.len() - Fault::PENDING.len(), 208);
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let error = "rtp_after_by".parse::<Fault>().unwrap_err();
        assert_eq!(error.suggestion, Some(Fault::RtpAfterBye));
        assert_eq!(
            error.to_string(),
            "the simulated phone has no fault `rtp_after_by`; did you mean `rtp-after-bye`?"
        );
        let error = "xyz".parse::<Fault>().unwrap_err();
        assert_eq!(error.to_string(), "the simulated phone has no fault `xyz`");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
