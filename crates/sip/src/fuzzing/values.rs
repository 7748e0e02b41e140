//! Values that broke parsers before.

/// Numbers as text: limits of the usual widths and one beyond, signs, other notations.
pub(super) const NUMBERS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "127",
    "128",
    "255",
    "256",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "-2147483649",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
    "0x7fffffff",
    "1e9",
    "+5",
    "00000000000000000000000000000001",
    "NaN",
];

/// Texts: format strings, breaks of quoting, of URIs and of lists.
pub(super) const TEXTS: [&str; 32] = [
    "",
    " ",
    "\t\t\t",
    "%s%s%s%s%n",
    "%99999999d",
    "%x%x%x%x%x%x",
    "${jndi:ldap://192.0.2.1/x}",
    "../../../../etc/passwd",
    "`reboot`",
    "'; DROP TABLE calls;--",
    "<script>alert(1)</script>",
    "\"",
    "\"\\",
    "\"unterminated",
    "<",
    ">",
    "<<<<>>>>",
    "<sip:",
    "sip:",
    "sip:@",
    "sip:a@",
    "sip:a@[",
    "sip:a@[::1]:",
    "sip:%00@x",
    "sip:a@x:99999999999",
    "tel:",
    "data:,x",
    ";;;;;;;;",
    ",,,,,,,,",
    "a=b=c=d",
    "()((((((((((((",
    "*",
];

/// Bytes that text should not hold: control characters, breaks of UTF-8.
pub(super) const BYTES: [&[u8]; 14] = [
    b"\0",
    b"\x01\x02\x03",
    b"\x08",
    b"\x0b\x0c",
    b"\x1b[2J",
    b"\x7f",
    b"\x80",
    b"\xc0\xaf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x80\xae",
    b"\r",
    b"\r\n\r\n",
];

/// Header fields to add: known ones with hard values.
pub(super) const FIELDS: [&str; 18] = [
    "Content-Length: 0",
    "Content-Length: -1",
    "l: 99999",
    "Content-Type: multipart/mixed",
    "Content-Encoding: gzip",
    "Require: nothing-here-has-this",
    "Proxy-Require: x",
    "Max-Forwards: 0",
    "Route: <sip:a;lr>",
    "Record-Route: <sip:a>",
    "Session-Expires: 1",
    "Replaces: x;to-tag=;from-tag=",
    "Authorization: Digest",
    "Expires: 4294967296",
    "CSeq: 1 ACK",
    "To: <sip:x@x>;tag=a;tag=b",
    ": nameless",
    "no colon here",
];

/// Lengths for long values: around the usual buffer sizes.
pub(super) const LENGTHS: [usize; 12] = [
    64, 127, 128, 255, 256, 257, 1023, 1024, 1025, 4096, 16_384, 60_000,
];

/// Lines to put into a session description.
pub(super) const SDP_LINES: [&str; 16] = [
    "m=audio 0 RTP/AVP",
    "m=audio 65536 RTP/AVP 0",
    "m=audio -1 RTP/AVP 0",
    "m=video 4002 RTP/AVP 999",
    "m=audio 4000 RTP/AVP 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "c=IN IP4 999.999.999.999",
    "c=IN IP6 :::::::",
    "c=IN IP4 224.0.0.1/127/65535",
    "a=rtpmap:0 PCMU/0",
    "a=rtpmap:-1 /",
    "a=rtpmap:101 %s%n/8000",
    "a=fmtp:101 0-4294967295",
    "a=ptime:0",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
    "a=candidate:1 1 UDP 4294967296 x 65536 typ",
    "o=",
];
