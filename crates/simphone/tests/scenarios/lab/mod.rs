//! A small lab in virtual time: a registrar and peer at one address, written by hand for these tests.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use voxproof_net::{Endpoint, MediaPort, MediaSession, Net};
use voxproof_rtp::g711::{self, Law};
use voxproof_rtp::{Packet, Packetizer};
use voxproof_simphone::{Fault, SimPhone, SimPhoneConfig};
use voxproof_sip::{Builder, Challenge, Credentials, Message, default_reason};

pub const SERVER: &str = "10.0.0.1:5060";
pub const PASSWORD: &str = "secret";
const PATIENCE: Duration = Duration::from_secs(40);

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub struct Lab {
    pub net: Net,
    pub sip: Endpoint,
    pub phone: SimPhone,
    pub rtp: MediaPort,
    pub ear: Arc<Mutex<Ear>>,
    put_back: Mutex<VecDeque<(Duration, Message)>>,
}

impl Lab {
    /// A lab whose phone has just sent its first REGISTER.
    pub async fn switched_on(faults: &[Fault], adjust: impl FnOnce(&mut SimPhoneConfig)) -> Self {
        let net = Net::virtual_network();
        let sip = net.bind(SERVER.parse().unwrap()).await.unwrap();
        let ear = Arc::new(Mutex::new(Ear::default()));
        let rtp = net.open_media("10.0.0.1".parse().unwrap(), ear.clone()).unwrap();
        let mut config = SimPhoneConfig::new(
            "10.0.0.2".parse().unwrap(),
            SERVER.parse().unwrap(),
            "bob",
            PASSWORD,
        );
        config.faults = faults.iter().copied().collect::<BTreeSet<_>>();
        config.speech = speech(1);
        adjust(&mut config);
        let phone = SimPhone::start(&net, config).await.unwrap();
        Self {
            net,
            sip,
            phone,
            rtp,
            ear,
            put_back: Mutex::default(),
        }
    }

    /// A lab whose phone is registered.
    pub async fn registered(faults: &[Fault]) -> Self {
        let lab = Self::switched_on(faults, |_| {}).await;
        lab.accept_registration().await;
        lab
    }

    pub async fn accept_registration(&self) -> Message {
        let first = self.expect("REGISTER").await;
        self.reply(&first, 401, |builder| {
            builder.header("WWW-Authenticate", challenge("n1", false))
        });
        let second = self.expect("REGISTER").await;
        assert!(authorised(&second, "REGISTER"));
        self.grant(&second, 3600);
        self.settle().await;
        second
    }

    pub fn grant(&self, register: &Message, seconds: u32) {
        let contact = register.header("contact").unwrap().to_owned();
        self.reply(register, 200, |builder| {
            builder.header("Contact", format!("{contact};expires={seconds}"))
        });
    }

    /// Lets everything that is on its way arrive and be worked off.
    pub async fn settle(&self) {
        tokio::time::sleep(ms(1)).await;
    }

    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub fn now(&self) -> Duration {
        self.net.clock().now()
    }

    pub fn send(&self, bytes: &[u8]) {
        self.sip.send(self.phone.contact(), bytes).unwrap();
    }

    pub fn reply(&self, request: &Message, status: u16, finish: impl FnOnce(Builder) -> Builder) {
        let builder = Builder::response_to(request, status, default_reason(status)).to_tag("lab");
        self.send(&finish(builder).build());
    }

    /// Puts a message back, to be the next one.
    pub fn put(&self, at: Duration, message: Message) {
        self.put_back.lock().unwrap().push_back((at, message));
    }

    /// The next message, with its time.
    pub async fn next(&self) -> (Duration, Message) {
        if let Some(message) = self.put_back.lock().unwrap().pop_front() {
            return message;
        }
        let datagram = tokio::time::timeout(PATIENCE, self.sip.recv())
            .await
            .expect("the phone says nothing")
            .unwrap();
        (datagram.at, Message::parse(&datagram.bytes))
    }

    /// The next message, which has to be this request.
    pub async fn expect(&self, method: &str) -> Message {
        let (at, message) = self.next().await;
        assert_eq!(message.method(), Some(method), "at {at:?}: {}", message.summary());
        message
    }

    /// The next message, which has to be a response with this status.
    pub async fn expect_status(&self, status: u16) -> Message {
        let (at, message) = self.next().await;
        assert_eq!(message.status(), Some(status), "at {at:?}: {}", message.summary());
        message
    }

    /// Everything that arrives during `time`.
    pub async fn collect(&self, time: Duration) -> Vec<(Duration, Message)> {
        let end = self.net.clock().instant(self.now() + time);
        let mut heard: Vec<_> = self.put_back.lock().unwrap().drain(..).collect();
        while let Ok(datagram) = tokio::time::timeout_at(end, self.sip.recv()).await {
            let datagram = datagram.unwrap();
            heard.push((datagram.at, Message::parse(&datagram.bytes)));
        }
        heard
    }

    /// What arrives during `time`, one word each: the method or the status.
    pub async fn words(&self, time: Duration) -> Vec<String> {
        self.collect(time)
            .await
            .iter()
            .map(|(_, message)| word(message))
            .collect()
    }

    /// A request outside any dialog.
    pub fn request(&self, method: &str, branch: &str) -> Builder {
        Builder::request(method, &format!("sip:bob@{}", self.phone.contact()))
            .header("Via", format!("SIP/2.0/UDP {SERVER};branch=z9hG4bK{branch}"))
            .header("Max-Forwards", "70")
            .header("From", "<sip:alice@10.0.0.1>;tag=alice")
            .header("To", "<sip:bob@10.0.0.1>")
            .header("Call-ID", format!("call-{branch}"))
            .header("CSeq", format!("1 {method}"))
            .header("Contact", format!("<sip:alice@{SERVER}>"))
    }

    pub fn invite(&self, branch: &str, sdp: Option<&str>) -> Message {
        let builder = self.request("INVITE", branch);
        let bytes = match sdp {
            Some(sdp) => builder.body("application/sdp", sdp).build(),
            None => builder.build(),
        };
        Message::parse(&bytes)
    }

    /// An offer of PCMU and telephone-event 96 with this direction.
    pub fn sdp(&self, direction: &str, version: u32) -> String {
        self.sdp_with("0 96", direction, version)
    }

    pub fn sdp_with(&self, formats: &str, direction: &str, version: u32) -> String {
        format!(
            "v=0\r\no=lab 1 {version} IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP {formats}\r\n\
             a=rtpmap:96 telephone-event/8000\r\na={direction}\r\n",
            self.rtp.local_addr().port()
        )
    }

    /// A call to the phone that it has answered, and whose ACK is sent.
    pub async fn call(&self) -> Dialogue {
        self.call_with(&self.sdp("sendrecv", 1)).await
    }

    pub async fn call_with(&self, sdp: &str) -> Dialogue {
        let invite = self.invite("call", Some(sdp));
        self.send(invite.bytes());
        if !self
            .phone
            .call_state()
            .await
            .eq(&voxproof_simphone::CallState::Ringing)
        {
            self.settle().await;
        }
        self.phone.answer().await.unwrap();
        let ok = loop {
            let (_, message) = self.next().await;
            if message.status() == Some(200) {
                break message;
            }
            assert_eq!(message.status(), Some(180), "{}", message.summary());
        };
        let mut dialogue = Dialogue::received(&invite, ok);
        self.send(&dialogue.ack(None));
        self.settle().await;
        dialogue.cseq = 1;
        dialogue
    }

    /// The packets that the phone has sent since the last time.
    pub fn heard(&self) -> Vec<(Duration, Vec<u8>)> {
        std::mem::take(&mut self.ear.lock().unwrap().heard)
    }

    /// Speaks to this address from now on.
    pub fn talk(&self, to: SocketAddr, samples: Arc<[i16]>) {
        let mut ear = self.ear.lock().unwrap();
        ear.to = Some(to);
        ear.speech = samples;
    }
}

pub fn word(message: &Message) -> String {
    match message.status() {
        Some(status) => status.to_string(),
        None => message.method().unwrap_or("junk").to_owned(),
    }
}

/// The lab's side of a dialog.
pub struct Dialogue {
    pub target: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    pub cseq: u32,
    /// The last answer of the phone to an INVITE.
    pub ok: Message,
    branches: u32,
}

impl Dialogue {
    /// The phone answered our INVITE.
    pub fn received(invite: &Message, ok: Message) -> Self {
        Self {
            target: ok.contacts()[0].uri.to_string(),
            from: invite.header("from").unwrap().to_owned(),
            to: ok.header("to").unwrap().to_owned(),
            call_id: invite.call_id().unwrap().to_owned(),
            cseq: 1,
            ok,
            branches: 0,
        }
    }

    /// We answered the phone's INVITE with the tag `lab`.
    pub fn placed(invite: &Message) -> Self {
        Self {
            target: invite.contacts()[0].uri.to_string(),
            from: format!("{};tag=lab", invite.header("to").unwrap()),
            to: invite.header("from").unwrap().to_owned(),
            call_id: invite.call_id().unwrap().to_owned(),
            cseq: 0,
            ok: invite.clone(),
            branches: 0,
        }
    }

    pub fn with_cseq(&mut self, method: &str, cseq: u32) -> Builder {
        self.branches += 1;
        Builder::request(method, &self.target)
            .header(
                "Via",
                format!(
                    "SIP/2.0/UDP {SERVER};branch=z9hG4bK{}-{}",
                    self.call_id, self.branches
                ),
            )
            .header("Max-Forwards", "70")
            .header("From", &self.from)
            .header("To", &self.to)
            .header("Call-ID", &self.call_id)
            .header("CSeq", format!("{cseq} {method}"))
            .header("Contact", format!("<sip:alice@{SERVER}>"))
    }

    pub fn request(&mut self, method: &str) -> Builder {
        self.cseq += 1;
        self.with_cseq(method, self.cseq)
    }

    pub fn ack(&mut self, sdp: Option<&str>) -> Vec<u8> {
        let builder = self.with_cseq("ACK", self.cseq);
        match sdp {
            Some(sdp) => builder.body("application/sdp", sdp).build(),
            None => builder.build(),
        }
    }

    /// A re-INVITE up to its 200 and ACK; returns the 200.
    pub async fn reinvite(&mut self, lab: &Lab, sdp: &str) -> Message {
        lab.send(&self.request("INVITE").body("application/sdp", sdp).build());
        let ok = lab.expect_status(200).await;
        lab.send(&self.ack(None));
        lab.settle().await;
        ok
    }

    pub async fn bye(&mut self, lab: &Lab) {
        lab.send(&self.request("BYE").build());
        lab.expect_status(200).await;
        lab.settle().await;
    }
}

pub fn challenge(nonce: &str, stale: bool) -> String {
    let stale = if stale { ", stale=true" } else { "" };
    format!("Digest realm=\"lab\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}")
}

pub fn credentials(request: &Message) -> Option<Credentials> {
    let header = request
        .header("authorization")
        .or_else(|| request.header("proxy-authorization"))?;
    Some(Credentials::parse(header).unwrap())
}

/// Whether a request carries the right answer to one of our challenges.
pub fn authorised(request: &Message, method: &str) -> bool {
    credentials(request).is_some_and(|credentials| {
        credentials.username == "bob"
            && credentials.realm == "lab"
            && credentials.verify(PASSWORD, method, b"")
    })
}

pub fn parsed(challenge: &str) -> Challenge {
    Challenge::parse(challenge).unwrap()
}

/// The address the phone wants media at.
pub fn media_of(message: &Message) -> SocketAddr {
    let sdp = message.sdp().unwrap().unwrap();
    let audio = sdp.audio().unwrap();
    SocketAddr::new(sdp.address_of(audio).unwrap().parse().unwrap(), audio.port)
}

pub fn direction_of(message: &Message) -> String {
    message
        .sdp()
        .unwrap()
        .unwrap()
        .audio()
        .unwrap()
        .direction
        .to_string()
}

pub fn version_of(message: &Message) -> u64 {
    message.sdp().unwrap().unwrap().origin.session_version
}

/// One and a bit seconds of something that is never the same twice and never small.
pub fn speech(seed: u32) -> Arc<[i16]> {
    let mut state = seed.wrapping_mul(2_654_435_761);
    (0..8_400)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = 400 + (state >> 20) as i16;
            if state & 0x8_0000 == 0 { value } else { -value }
        })
        .collect()
}

/// What a law makes of samples.
pub fn coded(law: Law, samples: &[i16]) -> Vec<i16> {
    g711::decode(law, &g711::encode(law, samples))
}

/// The samples of a stream in order of arrival.
pub fn decoded(law: Law, packets: &[(Duration, Vec<u8>)]) -> Vec<i16> {
    packets
        .iter()
        .flat_map(|(_, bytes)| g711::decode(law, Packet::parse(bytes).unwrap().payload))
        .collect()
}

/// The lab's RTP port: keeps what it hears and, when it has an address, talks.
#[derive(Default)]
pub struct Ear {
    pub heard: Vec<(Duration, Vec<u8>)>,
    pub to: Option<SocketAddr>,
    pub speech: Arc<[i16]>,
    /// Protects what it says.
    pub protector: Option<voxproof_srtp::Protector>,
    position: usize,
    stream: Option<Packetizer>,
}

impl MediaSession for Ear {
    fn interval(&self) -> Duration {
        ms(20)
    }

    fn tick(&mut self, _deadline: Duration, _now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        let Some(to) = self.to else { return };
        let frame: Vec<i16> = (0..160)
            .map(|n| self.speech[(self.position + n) % self.speech.len()])
            .collect();
        self.position += 160;
        let stream = self
            .stream
            .get_or_insert_with(|| Packetizer::new(0, 7, 65_500, u32::MAX - 1000));
        let packet = stream.next(&g711::encode(Law::Mu, &frame), 160, false);
        let packet = match &mut self.protector {
            Some(protector) => protector.protect_rtp(&packet).unwrap(),
            None => packet,
        };
        out.push((to, packet));
    }

    fn sent(&mut self, _deadline: Duration, _at: Duration, _to: SocketAddr, _bytes: &[u8]) {}

    fn received(&mut self, at: Duration, _source: SocketAddr, bytes: &[u8]) {
        self.heard.push((at, bytes.to_vec()));
    }
}
