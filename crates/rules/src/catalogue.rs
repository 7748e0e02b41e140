//! Every rule, in one table.

use crate::rule::{Rule, Scope, Severity};

/// The part of an example file behind the line `# pass` or `# fail`, up to the next such line.
const fn section(text: &'static str, marker: &str) -> &'static str {
    let (bytes, marker) = (text.as_bytes(), marker.as_bytes());
    let mut at = 0;
    let mut begin = None;
    while at < bytes.len() {
        let at_line = at == 0 || bytes[at - 1] == b'\n';
        if at_line && bytes[at] == b'#' {
            if let Some(begin) = begin {
                return text.split_at(at).0.split_at(begin).1;
            }
            let mut same = 0;
            while same < marker.len() && at + same < bytes.len() && bytes[at + same] == marker[same] {
                same += 1;
            }
            if same == marker.len() {
                begin = Some(at + same + 1);
            }
        }
        at += 1;
    }
    match begin {
        Some(begin) => text.split_at(begin).1,
        None => panic!("an example file has no such section"),
    }
}

macro_rules! catalogue {
    ($($name:ident $id:literal $severity:ident $scope:ident $clause:literal $title:literal;)*) => {
        /// Index of a rule in [`RULES`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Id { $($name),* }

        /// Every rule, grouped by area.
        pub static RULES: &[Rule] = &[$(Rule {
            id: $id,
            title: $title,
            clause: $clause,
            severity: Severity::$severity,
            scope: Scope::$scope,
            example_pass: const { section(include_str!(concat!("../examples/", $id, ".txt")), "# pass") },
            example_fail: const { section(include_str!(concat!("../examples/", $id, ".txt")), "# fail") },
        }),*];
    };
}

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

catalogue! {
    StartLine "SIP-MSG-001" Must Request "RFC 3261 7.1" "The first line is a request line or a status line";
    StartLineSpaces "SIP-MSG-002" Must Request "RFC 3261 7.1" "Single spaces separate the parts of the start line";
    Version "SIP-MSG-003" Must Request "RFC 3261 7.1" "The version is sent as SIP/2.0 in upper case";
    MethodToken "SIP-MSG-004" Must Request "RFC 3261 25.1" "The method is a token";
    MethodKnown "SIP-MSG-005" Note Request "RFC 3261 7.1" "The method is a registered one, spelled as registered";
    StatusCode "SIP-MSG-006" Must Response "RFC 3261 7.2" "The status code is of 100 to 699";
    LineEnds "SIP-MSG-007" Must Request "RFC 3261 7" "Every line of the head ends with CRLF";
    EmptyLine "SIP-MSG-008" Must Request "RFC 3261 7" "An empty line ends the head";
    HeaderLine "SIP-MSG-009" Must Request "RFC 3261 25.1" "A header line is a token, a colon and a value";
    HeaderUtf8 "SIP-MSG-010" Must Request "RFC 3261 7" "Header fields are UTF-8";
    ControlCharacters "SIP-MSG-011" Must Request "RFC 3261 25.1" "No control characters outside of quoted pairs";
    SpaceBeforeColon "SIP-MSG-012" Note Request "RFC 3261 7.3.1" "No white space between a field name and its colon";
    SingleFields "SIP-MSG-013" Must Request "RFC 3261 7.3.1" "A field whose value is no list stands once";
    HeaderOrder "SIP-MSG-014" Note Request "RFC 3261 7.3.1" "Fields that proxies need stand first";
    RequestFields "SIP-MSG-015" Must Request "RFC 3261 8.1.1" "A request has Via, From, To, Call-ID and CSeq";
    ResponseFields "SIP-MSG-016" Must Response "RFC 3261 8.2.6.2" "A response has Via, From, To, Call-ID and CSeq";
    DatagramSize "SIP-MSG-017" Note Request "RFC 3261 18.1.1" "A request above 1300 bytes does not go by UDP";
    UserAgent "SIP-MSG-018" Note Request "RFC 3261 20.35" "The software names itself";

    LengthPresent "SIP-LEN-001" Should Request "RFC 3261 20.14" "Content-Length is present";
    LengthOnStreams "SIP-LEN-002" Must Request "RFC 3261 20.14" "Content-Length is present on byte streams";
    LengthNumber "SIP-LEN-003" Must Request "RFC 3261 20.14" "Content-Length is a decimal number";
    LengthRight "SIP-LEN-004" Must Request "RFC 3261 18.3" "Content-Length is not more than what follows the head";
    TrailingBytes "SIP-LEN-005" Note Request "RFC 3261 18.3" "Nothing follows the body of a datagram";

    TypePresent "SIP-BODY-001" Must Request "RFC 3261 20.15" "A body has a Content-Type";
    TypeForm "SIP-BODY-002" Must Request "RFC 3261 20.15" "Content-Type is type and subtype";
    DispositionForm "SIP-BODY-003" Must Request "RFC 3261 20.11" "Content-Disposition is a token with parameters";

    UriBrackets "SIP-URI-001" Must Request "RFC 3261 7.1" "The Request-URI is not in angle brackets";
    UriReadable "SIP-URI-002" Must Request "RFC 3261 7.1" "The Request-URI is a URI without white space or control characters";
    UriParts "SIP-URI-003" Must Request "RFC 3261 19.1.1" "The Request-URI has no headers and no method parameter";
    UriEscapes "SIP-URI-004" Must Request "RFC 3261 19.1.2" "Reserved characters in a user part are escaped";
    UriIsTo "SIP-URI-005" Note Request "RFC 3261 8.1.1.1" "The first Request-URI of a call names the same as To";

    ViaReadable "SIP-VIA-001" Must Request "RFC 3261 18.1.1" "The top Via has protocol, transport and sent-by";
    ViaCookie "SIP-VIA-002" Must Request "RFC 3261 8.1.1.7" "The branch starts with z9hG4bK";
    ViaBranchUnique "SIP-VIA-003" Must Transaction "RFC 3261 8.1.1.7" "Each transaction has a branch of its own";
    ViaBranchLength "SIP-VIA-004" Note Request "RFC 3261 8.1.1.7" "The branch has more than a few characters behind the cookie";
    ViaTransport "SIP-VIA-005" Must Request "RFC 3261 18.1.1" "The transport of the Via is the one in use";
    ViaRport "SIP-VIA-006" Note Request "RFC 3581 3" "A request by UDP asks for rport";
    ViaRportEmpty "SIP-VIA-007" Must Request "RFC 3581 3" "rport has no value in a request";
    ViaSingle "SIP-VIA-008" Must Request "RFC 3261 8.1.1.7" "A request of a user agent has one Via";
    ViaReceived "SIP-VIA-009" Must Response "RFC 3261 18.2.1" "received is added when sent-by is not the source";
    ViaReceivedValue "SIP-VIA-010" Must Response "RFC 3261 18.2.1" "received is the source address of the request";
    ViaRportFilled "SIP-VIA-011" Note Response "RFC 3581 4" "rport is filled in when the request asks for it";
    ViaRportValue "SIP-VIA-012" Must Response "RFC 3581 4" "rport is the source port of the request";

    MaxForwards "SIP-MAX-001" Must Request "RFC 3261 8.1.1.6" "A request has Max-Forwards";
    MaxForwardsRange "SIP-MAX-002" Must Request "RFC 3261 20.22" "Max-Forwards is a number of 0 to 255";
    MaxForwardsValue "SIP-MAX-003" Should Request "RFC 3261 8.1.1.6" "Max-Forwards starts at 70";

    FromToReadable "SIP-ADDR-001" Must Request "RFC 3261 20.20" "From and To are addresses";
    AddressBrackets "SIP-ADDR-002" Must Request "RFC 3261 20.10" "A URI with a comma or question mark stands in angle brackets";
    DisplayName "SIP-ADDR-003" Must Request "RFC 3261 25.1" "A display name that is not of tokens is quoted";
    AddressSpaces "SIP-ADDR-004" Must Request "RFC 3261 25.1" "No white space inside angle brackets";
    CallIdForm "SIP-ADDR-005" Must Request "RFC 3261 25.1" "Call-ID is a word or two with an at sign";
    CallIdFresh "SIP-ADDR-006" Must Dialog "RFC 3261 8.1.1.4" "A new call has a new Call-ID";

    FromTag "SIP-TAG-001" Must Request "RFC 3261 8.1.1.3" "From of a request has a tag";
    ToTag "SIP-TAG-002" Must Response "RFC 3261 8.2.6.2" "To of a response has a tag, but for 100";
    ToTagKept "SIP-TAG-003" Must Response "RFC 3261 8.2.6.2" "A To tag of the request comes back unchanged";
    ToTagStable "SIP-TAG-004" Must Response "RFC 3261 8.2.6.2" "All responses to a request have the same To tag";
    TagsDiffer "SIP-TAG-005" Must Dialog "RFC 3261 19.3" "A tag is not a copy of the peer's";
    TagLength "SIP-TAG-006" Note Dialog "RFC 3261 19.3" "A tag is long enough for 32 random bits";

    ContactReadable "SIP-CONT-001" Must Request "RFC 3261 20.10" "Contact is an address";
    ContactRequest "SIP-CONT-002" Must Request "RFC 3261 8.1.1.8" "A request that makes or refreshes a dialog has one Contact";
    ContactSuccess "SIP-CONT-003" Must Response "RFC 3261 12.1.1" "A 2xx to INVITE or SUBSCRIBE has one Contact";
    ContactRefresh "SIP-CONT-004" Should Response "RFC 3515 2.2" "A 2xx to REFER or UPDATE has one Contact";
    ContactProvisional "SIP-CONT-005" Should Response "RFC 3261 12.1.1" "A provisional response that makes an early dialog has a Contact";
    ContactScheme "SIP-CONT-006" Must Request "RFC 3261 8.1.1.8" "Contact for a dialog is a SIP or SIPS URI";
    ContactSecure "SIP-CONT-007" Must Request "RFC 3261 8.1.1.8" "Contact is SIPS when the Request-URI is";
    ContactMessage "SIP-CONT-008" Must Request "RFC 3428 4" "MESSAGE has no Contact";
    ContactQuality "SIP-CONT-009" Must Request "RFC 3261 25.1" "q is 0 to 1 with at most three decimals";
    ContactExpires "SIP-CONT-010" Must Request "RFC 3261 20.10" "The expires parameter is a number below 2**32";

    CseqForm "SIP-CSEQ-001" Must Request "RFC 3261 20.16" "CSeq is a number and a method";
    CseqMethod "SIP-CSEQ-002" Must Request "RFC 3261 8.1.1.5" "The method of CSeq is that of the request";
    CseqRange "SIP-CSEQ-003" Must Request "RFC 3261 8.1.1.5" "The number of CSeq is below 2**31";
    CseqIncreases "SIP-CSEQ-004" Must Dialog "RFC 3261 12.2.1.1" "CSeq goes up in a dialog";
    CseqByOne "SIP-CSEQ-005" Should Dialog "RFC 3261 12.2.1.1" "CSeq goes up by one in a dialog";
    ChallengedCseq "SIP-CSEQ-006" Must Transaction "RFC 3261 22.2" "CSeq goes up when a challenged request is sent again";

    TokenLists "SIP-HDR-001" Must Request "RFC 3261 25.1" "Allow, Supported, Require and Unsupported list tokens";
    OptionTags "SIP-HDR-002" Note Request "RFC 3261 27.1" "Option tags are registered";
    DateForm "SIP-HDR-003" Must Request "RFC 3261 20.17" "Date is of RFC 1123 and in GMT";
    WarningForm "SIP-HDR-004" Must Response "RFC 3261 20.43" "Warning is a code, an agent and a quoted text";
    ExpiresForm "SIP-HDR-005" Must Request "RFC 3261 20.19" "Expires is a number below 2**32";
    RetryAfterForm "SIP-HDR-006" Must Response "RFC 3261 20.33" "Retry-After starts with seconds";
    ReplacesForm "SIP-HDR-007" Must Request "RFC 3891 6.1" "Replaces has a Call-ID, a to-tag and a from-tag";
    ReferredByForm "SIP-HDR-008" Must Request "RFC 3892 3" "Referred-By is an address";

    InviteAllow "SIP-ALLOW-001" Should Request "RFC 3261 13.2.1" "INVITE has Allow";
    InviteSupported "SIP-ALLOW-002" Should Request "RFC 3261 13.2.1" "INVITE has Supported";
    SuccessAllow "SIP-ALLOW-003" Should Response "RFC 3261 13.3.1.4" "A 2xx to INVITE has Allow and Supported";
    OptionsAllow "SIP-ALLOW-004" Should Response "RFC 3261 11.2" "A 2xx to OPTIONS has Allow";
    AllowIn405 "SIP-ALLOW-005" Must Response "RFC 3261 8.2.1" "A 405 has Allow";
    AllowComplete "SIP-ALLOW-006" Must Request "RFC 3261 20.5" "Allow with INVITE lists ACK and CANCEL too";
    AllowedAnswered "SIP-ALLOW-007" Should Response "RFC 3261 20.5" "A method that Allow lists is not refused as unknown";
    AnsweredAllowed "SIP-ALLOW-008" Must Response "RFC 3261 20.5" "A method that is accepted is in Allow";
    RequireSupported "SIP-OPT-001" Must Response "RFC 3261 8.2.4" "A response requires only what the request supports";
    RequireAnswered "SIP-OPT-002" Must Response "RFC 3261 8.2.2.3" "A request that requires an unknown option is refused";
    UnsupportedIn420 "SIP-OPT-003" Must Response "RFC 3261 8.2.2.3" "A 420 has Unsupported";
    AcceptIn415 "SIP-OPT-004" Must Response "RFC 3261 8.2.3" "A 415 says what is accepted";

    ResponseVia "SIP-RSP-001" Must Response "RFC 3261 8.2.6.2" "Via of the request comes back in the same order";
    ResponseFrom "SIP-RSP-002" Must Response "RFC 3261 8.2.6.2" "From of the request comes back";
    ResponseTo "SIP-RSP-003" Must Response "RFC 3261 8.2.6.2" "To of the request comes back";
    ResponseCall "SIP-RSP-004" Must Response "RFC 3261 8.2.6.2" "Call-ID of the request comes back";
    ResponseCseq "SIP-RSP-005" Must Response "RFC 3261 8.2.6.2" "CSeq of the request comes back";
    RecordRouteCopied "SIP-RSP-006" Must Response "RFC 3261 12.1.1" "Record-Route is copied into responses that make a dialog";
    TimestampCopied "SIP-RSP-007" Must Response "RFC 3261 8.2.6.1" "Timestamp is copied into 100";
    NoProvisional "SIP-RSP-008" Must Response "RFC 4320 4.1" "No provisional response but 100 to a non-INVITE";
    NoTimeoutResponse "SIP-RSP-009" Must Response "RFC 4320 4.2" "No 408 to a non-INVITE";
    OneFinal "SIP-RSP-010" Must Transaction "RFC 3261 17.2" "A transaction has one final response";
    FinalIsLast "SIP-RSP-011" Must Transaction "RFC 3261 17.2.1" "No provisional response follows the final one";
    InviteAnswered "SIP-RSP-012" Must Transaction "RFC 3261 17.2.1" "INVITE gets a response";
    InvitePrompt "SIP-RSP-013" Should Transaction "RFC 3261 17.2.1" "INVITE gets its first response within 200 ms";
    FinalInTime "SIP-RSP-014" Should Transaction "RFC 3261 8.2.6.1" "A non-INVITE gets its final response within 64*T1";
    ResponseAgain "SIP-RSP-015" Must Transaction "RFC 3261 17.2.2" "A repeated request gets its response again";

    RetransmissionSame "SIP-TRX-001" Must Transaction "RFC 3261 17.1.1.2" "A repeated request has the same bytes";
    RetransmissionOnStream "SIP-TRX-002" Should Transaction "RFC 3261 17.1.1.2" "A request is not repeated on a reliable transport";
    RetransmissionSpacing "SIP-TRX-003" Should Transaction "RFC 3261 17.1.1.2" "Repetitions start after T1 and double";
    RetransmissionStops "SIP-TRX-004" Must Transaction "RFC 3261 17.1.1.2" "A request is not repeated once it is answered";
    RetransmissionEnds "SIP-TRX-005" Must Transaction "RFC 3261 17.1.1.2" "A request is not repeated after 64*T1";
    Retransmits "SIP-TRX-006" Must Transaction "RFC 3261 17.1.1.2" "A request without a response is repeated on UDP";
    SuccessRepeated "SIP-TRX-007" Must Transaction "RFC 3261 13.3.1.4" "A 2xx to INVITE is repeated until its ACK";
    FailureRepeated "SIP-TRX-008" Must Transaction "RFC 3261 17.2.1" "A failure to INVITE is repeated on UDP until its ACK";

    AckSuccess "SIP-ACK-001" Must Transaction "RFC 3261 13.2.2.4" "A 2xx to INVITE gets an ACK";
    AckFailure "SIP-ACK-002" Must Transaction "RFC 3261 17.1.1.2" "A failure to INVITE gets an ACK";
    AckAgain "SIP-ACK-003" Must Transaction "RFC 3261 13.2.2.4" "A repeated 2xx gets its ACK again";
    AckOwnBranch "SIP-ACK-004" Must Transaction "RFC 3261 8.1.1.7" "The ACK for a 2xx has a branch of its own";
    AckSameBranch "SIP-ACK-005" Must Transaction "RFC 3261 17.1.1.3" "The ACK for a failure has the one Via of its INVITE";
    AckUri "SIP-ACK-006" Must Transaction "RFC 3261 17.1.1.3" "The ACK for a failure has the Request-URI of its INVITE";
    AckTag "SIP-ACK-007" Must Transaction "RFC 3261 17.1.1.3" "To of the ACK is that of the response";
    AckRoute "SIP-ACK-008" Must Transaction "RFC 3261 17.1.1.3" "The ACK for a failure has the Route of its INVITE";
    AckCseq "SIP-ACK-009" Must Transaction "RFC 3261 13.2.2.4" "The ACK has the CSeq number of its INVITE";
    AckCredentials "SIP-ACK-010" Must Transaction "RFC 3261 13.2.2.4" "The ACK for a 2xx has the credentials of its INVITE";
    AckNoResponse "SIP-ACK-011" Must Response "RFC 3261 17" "An ACK gets no response";

    CancelBranch "SIP-CANC-001" Must Transaction "RFC 3261 9.1" "CANCEL has the one Via of its request";
    CancelCopies "SIP-CANC-002" Must Transaction "RFC 3261 9.1" "CANCEL has Request-URI, From and To of its request";
    CancelCseq "SIP-CANC-003" Must Transaction "RFC 3261 9.1" "CANCEL has the CSeq number of its request";
    CancelRoute "SIP-CANC-004" Must Transaction "RFC 3261 9.1" "CANCEL has the Route of its request";
    CancelRequire "SIP-CANC-005" Must Request "RFC 3261 9.1" "CANCEL has neither Require nor Proxy-Require";
    CancelAfterProvisional "SIP-CANC-006" Must Transaction "RFC 3261 9.1" "CANCEL waits for a provisional response";
    CancelInvite "SIP-CANC-007" Should Transaction "RFC 3261 9.1" "Only INVITE is cancelled";
    CancelTag "SIP-CANC-008" Should Response "RFC 3261 9.2" "The response to CANCEL has the To tag of the INVITE's";
    CancelEnds "SIP-CANC-009" Should Transaction "RFC 3261 9.2" "A cancelled INVITE gets its final response";

    DialogKnown "SIP-DLG-001" Must Dialog "RFC 3261 12.2.1.1" "A request in a dialog has the dialog's tags";
    RouteSet "SIP-DLG-002" Must Dialog "RFC 3261 12.2.1.1" "Route is the route set of the dialog";
    RemoteTarget "SIP-DLG-003" Must Dialog "RFC 3261 12.2.1.1" "The Request-URI in a dialog is the remote target";
    OneInvite "SIP-DLG-004" Must Dialog "RFC 3261 14.1" "No INVITE while another one of the dialog is under way";
    Glare "SIP-DLG-005" Must Dialog "RFC 3261 14.2" "An INVITE that crosses the device's own is refused";
    AfterBye "SIP-DLG-006" Must Dialog "RFC 3261 15.1.1" "A session is not used after its BYE";
    ByeDialog "SIP-BYE-001" Must Dialog "RFC 3261 15.1.1" "BYE is sent in a dialog";
    ByeEarly "SIP-BYE-002" Must Dialog "RFC 3261 15" "The called side sends no BYE in an early dialog";
    ByeBeforeAck "SIP-BYE-003" Must Dialog "RFC 3261 15" "The called side waits for the ACK before it sends BYE";

    ChallengePresent "SIP-AUTH-001" Must Response "RFC 3261 22.2" "A 401 or 407 has its challenge";
    CredentialsReadable "SIP-AUTH-002" Must Request "RFC 7616 3.4" "Credentials have username, realm, nonce, uri and response";
    DigestUri "SIP-AUTH-003" Must Request "RFC 7616 3.4" "The digest uri is the Request-URI";
    DigestResponse "SIP-AUTH-004" Must Request "RFC 7616 3.4.1" "The response has the length of its hash, in lower case";
    DigestQuoted "SIP-AUTH-005" Must Request "RFC 7616 3.4" "username, realm, nonce, uri, response, cnonce and opaque are quoted";
    DigestPlain "SIP-AUTH-006" Must Request "RFC 7616 3.4" "algorithm, qop and nc are not quoted";
    NonceCountForm "SIP-AUTH-007" Must Request "RFC 3261 25.1" "nc is eight lower-case hexadecimal digits";
    QopComplete "SIP-AUTH-008" Must Request "RFC 7616 3.4" "qop, nc and cnonce come together";
    QopOffered "SIP-AUTH-009" Must Transaction "RFC 3261 22.4" "qop is one of those offered, and sent when offered";
    RealmChallenged "SIP-AUTH-010" Should Transaction "RFC 3261 22.1" "Credentials go only to realms that challenged";
    NonceIssued "SIP-AUTH-011" Must Transaction "RFC 7616 3.4" "The nonce was issued for the realm";
    AlgorithmOffered "SIP-AUTH-012" Must Transaction "RFC 7616 3.4" "The algorithm is one of those offered";
    OpaqueReturned "SIP-AUTH-013" Should Transaction "RFC 7616 3.3" "opaque comes back unchanged";
    NonceCount "SIP-AUTH-014" Must Transaction "RFC 7616 3.4" "nc goes up with each request of a nonce";
    NonceCountStart "SIP-AUTH-015" Must Transaction "RFC 7616 3.4" "nc starts at 1 with a new nonce";
    RefusedAgain "SIP-AUTH-016" Should Transaction "RFC 3261 22.2" "Refused credentials are not sent again at once";

    RegisterUri "SIP-REG-001" Must Registration "RFC 3261 10.2" "The Request-URI of REGISTER has no user part";
    RegisterFrom "SIP-REG-002" Note Registration "RFC 3261 10.2" "From of REGISTER is To unless a third party registers";
    RegisterStar "SIP-REG-003" Must Registration "RFC 3261 10.2.2" "Contact * stands alone and with Expires 0";
    RegisterCseq "SIP-REG-004" Must Registration "RFC 3261 10.2" "CSeq goes up with each REGISTER of a Call-ID";
    RegisterCall "SIP-REG-005" Should Registration "RFC 3261 10.2" "All REGISTERs to a registrar have one Call-ID";
    RegisterOne "SIP-REG-006" Must Registration "RFC 3261 10.2" "No REGISTER before the one before is answered or timed out";
    MinExpires "SIP-REG-007" Should Registration "RFC 3261 10.2.8" "After 423 at least Min-Expires is asked for";

    TimerForm "SIP-TIMER-001" Must Request "RFC 4028 4" "Session-Expires is seconds and a refresher";
    TimerMinimum "SIP-TIMER-002" Must Request "RFC 4028 4" "Session-Expires is at least 90 s";
    MinSe "SIP-TIMER-003" Must Request "RFC 4028 5" "Min-SE is at least 90 s";
    TimerSupported "SIP-TIMER-004" Must Request "RFC 4028 7.1" "A request with Session-Expires supports timer";
    TimerAfter422 "SIP-TIMER-005" Must Dialog "RFC 4028 7.3" "After 422 at least Min-SE is asked for";
    TimerRefresher "SIP-TIMER-006" Must Response "RFC 4028 9" "Session-Expires of a 2xx names the refresher";
    TimerRequire "SIP-TIMER-007" Must Response "RFC 4028 9" "refresher=uac comes with Require: timer";
    TimerPeer "SIP-TIMER-008" Must Response "RFC 4028 9" "The caller refreshes only when it supports timer";
    TimerRange "SIP-TIMER-009" Must Response "RFC 4028 9" "The interval is not above the one asked for and not below Min-SE";
    MinSeIn422 "SIP-TIMER-010" Must Response "RFC 4028 6" "A 422 has Min-SE";

    ReliableForm "SIP-REL-001" Must Response "RFC 3262 3" "A reliable provisional response has Require: 100rel and RSeq";
    ReliableTrying "SIP-REL-002" Must Response "RFC 3262 3" "100 is not sent reliably";
    ReliableAsked "SIP-REL-003" Must Response "RFC 3262 3" "Reliable provisional responses need 100rel in the INVITE";
    ReliableRequired "SIP-REL-004" Must Response "RFC 3262 3" "An INVITE that requires 100rel gets reliable provisional responses only";
    ResponseNumber "SIP-REL-005" Must Dialog "RFC 3262 3" "RSeq starts at 1 to 2**31-1 and goes up by one";
    ReliableInTurn "SIP-REL-006" Must Dialog "RFC 3262 3" "One reliable provisional response waits for the PRACK of the other";
    FinalBeforePrack "SIP-REL-007" Must Dialog "RFC 3262 3" "A 2xx waits for the PRACK of a response with SDP";
    PrackForm "SIP-REL-008" Must Request "RFC 3262 7.2" "PRACK has RAck with two numbers and a method";
    PrackMatches "SIP-REL-009" Must Dialog "RFC 3262 4" "RAck names a reliable response that was sent";
    PrackSent "SIP-REL-010" Must Dialog "RFC 3262 4" "A reliable provisional response gets its PRACK";
    ReliableRepeated "SIP-REL-011" Must Dialog "RFC 3262 3" "A reliable provisional response is repeated until its PRACK";

    ReferTo "SIP-EVT-001" Must Request "RFC 3515 2.4.1" "REFER has one Refer-To";
    EventPresent "SIP-EVT-002" Must Request "RFC 6665 8.2.1" "SUBSCRIBE, NOTIFY and PUBLISH have an Event";
    SubscriptionState "SIP-EVT-003" Must Request "RFC 6665 4.1.3" "NOTIFY has Subscription-State";
    SubscriptionExpires "SIP-EVT-004" Should Request "RFC 6665 4.2.2" "An active subscription is notified with its expiry";
    SubscribeExpires "SIP-EVT-005" Should Request "RFC 6665 4.1.2.1" "SUBSCRIBE has Expires";
    SubscribeAccepted "SIP-EVT-006" Must Response "RFC 6665 4.2.1.1" "A 2xx to SUBSCRIBE has Expires";
    NotifyFragment "SIP-EVT-007" Must Request "RFC 3515 2.4.4" "NOTIFY about a REFER has a message/sipfrag body";
    FragmentStatus "SIP-EVT-008" Must Request "RFC 3515 2.4.5" "The fragment starts with a status line";
    FinalTerminates "SIP-EVT-009" Should Request "RFC 3515 2.4.7" "The NOTIFY with the final status ends the subscription";
    ReferNotified "SIP-EVT-010" Must Dialog "RFC 3515 2.4.4" "An accepted REFER is followed by a NOTIFY";

    SdpReadable "SDP-001" Must Sdp "RFC 8866 5" "The session description can be read";
    SdpOrder "SDP-002" Must Sdp "RFC 8866 5" "v=0 comes first and the lines are in order";
    SdpRequired "SDP-003" Must Sdp "RFC 8866 5" "v=, o=, s= and t= are there";
    SdpLineEnds "SDP-004" Must Sdp "RFC 8866 5" "Every line ends with CRLF";
    SdpOrigin "SDP-005" Must Sdp "RFC 8866 5.2" "The session id is a number";
    SdpConnection "SDP-006" Must Sdp "RFC 8866 5.7" "Every media section has a connection address";
    SdpFormats "SDP-007" Must Sdp "RFC 8866 5.14" "Formats of RTP media are payload types";
    SdpFormatsOnce "SDP-008" Note Sdp "RFC 8866 5.14" "A payload type is listed once";
    SdpDynamic "SDP-009" Should Sdp "RFC 8866 5.14" "A dynamic payload type has an rtpmap";
    SdpMapListed "SDP-010" Note Sdp "RFC 8866 6.6" "An rtpmap is for a listed payload type";
    SdpOneDirection "SDP-011" Should Sdp "RFC 8866 6.7" "At most one direction attribute at a level";
    SdpPtime "SDP-012" Must Sdp "RFC 8866 6.4" "ptime is a time in milliseconds";
    SdpEvenPort "SDP-013" Note Sdp "RFC 3550 11" "The RTP port is even";
    SdpEvents "SDP-014" Must Sdp "RFC 4733 2.4.1" "fmtp of telephone-event is a list of events";
    SdpG722Clock "SDP-015" Must Sdp "RFC 3551 4.5.2" "G722 has an RTP clock of 8000";
    SdpOpusClock "SDP-016" Must Sdp "RFC 7587 7" "opus is opus/48000/2";
    CryptoForm "SDP-017" Must Sdp "RFC 4568 9.1" "crypto is a tag, a suite and a key of the right length";

    OriginKept "SDP-OA-001" Must Sdp "RFC 3264 8" "o= stays the same but for the version";
    VersionChanged "SDP-OA-002" Must Sdp "RFC 3264 8" "The version goes up when the description changes";
    VersionByOne "SDP-OA-003" Should Sdp "RFC 3264 8" "The version goes up by one";
    VersionUnchanged "SDP-OA-004" Note Sdp "RFC 3264 8" "The version stays when nothing changes";
    MediaKept "SDP-OA-005" Must Sdp "RFC 3264 8" "Media sections are never taken away";
    MappingKept "SDP-OA-006" Must Sdp "RFC 3264 8.3.2" "A dynamic payload type keeps its meaning";
    AnswerCount "SDP-OA-007" Must Sdp "RFC 3264 6" "The answer has as many media sections as the offer";
    AnswerKind "SDP-OA-008" Must Sdp "RFC 3264 6" "Media and transport of the answer are those of the offer";
    AnswerFormats "SDP-OA-009" Must Sdp "RFC 3264 6.1" "The answer has a codec of the offer";
    AnswerExtraFormats "SDP-OA-010" Note Sdp "RFC 3264 6.1" "The answer lists only codecs of the offer";
    AnswerNumbers "SDP-OA-011" Should Sdp "RFC 3264 6.1" "A codec keeps the payload type of the offer";
    AnswerDirection "SDP-OA-012" Must Sdp "RFC 3264 6.1" "The direction of the answer fits the offer";
    AnswerRejected "SDP-OA-013" Must Sdp "RFC 3264 6" "A stream offered with port 0 is answered with port 0";
    AnswerMux "SDP-OA-014" Must Sdp "RFC 5761 5.1.1" "rtcp-mux is answered only when it is offered";
    AnswerCrypto "SDP-OA-015" Must Sdp "RFC 4568 5.1.2" "The answer chooses one offered crypto";
    AnswerGiven "SDP-OA-016" Must Sdp "RFC 3261 13.2.1" "A 2xx answers the offer of its request";
    OfferGiven "SDP-OA-017" Must Sdp "RFC 3261 13.2.1" "A 2xx to an INVITE without an offer makes one";
    AnswerInAck "SDP-OA-018" Must Sdp "RFC 3261 13.2.1" "The ACK answers the offer of its 2xx";

    RtpVersion "RTP-001" Must Rtp "RFC 3550 5.1" "The version is 2";
    RtpHeader "RTP-002" Must Rtp "RFC 3550 5.1" "CSRC list, extension and padding fit the packet";
    RtpPayloadType "RTP-003" Must Rtp "RFC 3264 6.1" "The payload type is one that the peer lists";
    RtpSequence "RTP-004" Must Rtp "RFC 3550 5.1" "The sequence number goes up by one";
    RtpTimestamp "RTP-005" Must Rtp "RFC 3550 5.1" "The timestamp goes on by what the packet before lasted";
    RtpSource "RTP-006" Note Rtp "RFC 3550 8.1" "SSRC stays the same";
    RtpSourceZero "RTP-007" Note Rtp "RFC 3550 8.1" "SSRC is not zero";
    RtpMarker "RTP-008" Note Rtp "RFC 3551 4.1" "The marker bit is set only where a talk spurt starts";
    RtpPtime "RTP-009" Note Rtp "RFC 8866 6.4" "Packets last what the peer asked for";
    RtpMaxPtime "RTP-010" Should Rtp "RFC 8866 6.4" "Packets last no longer than the peer takes";
    RtpSymmetric "RTP-011" Should Rtp "RFC 4961 4" "RTP is sent from where it is received";
    RtpDirection "RTP-012" Must Rtp "RFC 3264 6.1" "Media is sent only when the direction lets it";
    RtpEarly "RTP-013" Should Rtp "RFC 3264 6.1" "No media before the answer";
    RtpAfterBye "RTP-014" Must Rtp "RFC 3261 15.1.1" "No media after the end of the call";
    RtpDscp "RTP-015" Note Rtp "RFC 4594 4.1" "Voice packets are marked EF";

    EventPayload "RTP-DTMF-001" Must Rtp "RFC 4733 2.3" "The payload of telephone-event is blocks of four octets";
    EventReserved "RTP-DTMF-002" Must Rtp "RFC 4733 2.3.3" "The reserved bit is zero";
    EventListed "RTP-DTMF-003" Must Rtp "RFC 4733 2.4.1" "Only events that the peer lists are sent";
    EventMarker "RTP-DTMF-004" Should Rtp "RFC 4733 2.2.2" "The marker bit is set in the first packet of an event only";
    EventTimestamp "RTP-DTMF-005" Must Rtp "RFC 4733 2.5.1.2" "All packets of an event have its timestamp";
    EventDuration "RTP-DTMF-006" Must Rtp "RFC 4733 2.5.1.2" "The duration grows, and stays the same in end packets";
    EventEnds "RTP-DTMF-007" Should Rtp "RFC 4733 2.5.1.4" "The end packet is sent three times";
    EventNumbers "RTP-DTMF-008" Should Rtp "RFC 3550 5.1" "Repeated end packets have sequence numbers of their own";

    RtcpForm "RTCP-001" Must Rtcp "RFC 3550 6.4" "Lengths and counts of the compound packet fit";
    RtcpCompound "RTCP-002" Must Rtcp "RFC 3550 6.1" "A compound packet starts with a report";
    RtcpCname "RTCP-003" Must Rtcp "RFC 3550 6.1" "A compound packet has a CNAME";
    RtcpSsrc "RTCP-004" Must Rtcp "RFC 3550 6.4.1" "Reports have the SSRC of the stream";
    RtcpSender "RTCP-005" Should Rtcp "RFC 3550 6.4" "A source that sends makes sender reports";
    RtcpForward "RTCP-006" Must Rtcp "RFC 3550 6.4.1" "NTP time and packet count do not go back";
    RtcpInterval "RTCP-007" Should Rtcp "RFC 3550 6.2" "Reports are at least two seconds apart";
    RtcpPort "RTCP-008" Must Rtcp "RFC 5761 5.1.1" "RTCP comes on the RTP port only when that is agreed";
    RtcpSource "RTCP-009" Note Rtcp "RFC 4961 4" "RTCP is sent from the port above the RTP port";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_found() {
        for (index, one) in RULES.iter().enumerate() {
            assert!(
                RULES.iter().skip(index + 1).all(|other| other.id != one.id),
                "{}",
                one.id
            );
            assert_eq!(rule(one.id).map(|found| found.title), Some(one.title));
        }
        assert!(rule("SIP-VIA-999").is_none());
    }
}
