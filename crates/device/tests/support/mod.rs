//! The least lab a real phone can register at and call: every REGISTER is accepted, every call answered.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use voxproof_device::LabAddress;
use voxproof_net::{Endpoint, Net};
use voxproof_sip::{Builder, Dialog, IdSource, Message, ack_for};

/// Mu-law samples of a 500 Hz square wave: what the lab sends, and what a loop must send back.
pub(crate) fn square_wave() -> Vec<u8> {
    (0..160)
        .map(|n| if (n / 8) % 2 == 0 { 0x90 } else { 0x10 })
        .collect()
}

pub(crate) struct Lab {
    sip: Endpoint,
    rtp: Endpoint,
    ids: IdSource,
    /// Messages of the phone, in order.
    pub(crate) seen: Vec<Message>,
    /// Payload type and payload of its RTP packets.
    pub(crate) heard: Vec<(u8, Vec<u8>)>,
    /// The Contact it registered, and where from.
    pub(crate) binding: Option<(String, SocketAddr)>,
    invite: Option<Message>,
    dialog: Option<Dialog>,
    media: Option<SocketAddr>,
}

impl Lab {
    pub(crate) async fn open(net: &Net) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        Self {
            sip: net.bind(any).await.unwrap(),
            rtp: net.bind(any).await.unwrap(),
            ids: IdSource::new(7),
            seen: Vec::new(),
            heard: Vec::new(),
            binding: None,
            invite: None,
            dialog: None,
            media: None,
        }
    }

    pub(crate) fn address(&self) -> LabAddress {
        LabAddress {
            server: self.sip.local_addr(),
            username: "dut".to_owned(),
            password: "voxproof".to_owned(),
            realm: "voxproof".to_owned(),
            device_ip: "127.0.0.1".parse().unwrap(),
            transport: voxproof_spec::SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
        }
    }

    pub(crate) fn uri(&self) -> impl for<'a> Fn(&'a str) -> String + Sync + use<> {
        let server = self.sip.local_addr();
        move |actor| format!("sip:{actor}@{server}")
    }

    /// Serves the phone while the work goes on.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                output = &mut work => return output,
                () = self.serve() => {}
            }
        }
    }

    /// The first message the phone has sent since `from` that is wanted.
    pub(crate) async fn expect(
        &mut self,
        from: usize,
        what: &str,
        wanted: impl Fn(&Message) -> bool,
    ) -> Message {
        let found = timeout(Duration::from_secs(10), async {
            loop {
                if let Some(message) = self.seen[from..].iter().find(|message| wanted(message)) {
                    return message.clone();
                }
                self.serve().await;
            }
        });
        match found.await {
            Ok(message) => message,
            Err(_) => panic!("no {what}; since then: {:#?}", self.summaries(from)),
        }
    }

    pub(crate) async fn expect_request(&mut self, from: usize, method: &str) -> Message {
        self.expect(from, method, |message| message.method() == Some(method))
            .await
    }

    pub(crate) async fn expect_status(
        &mut self,
        from: usize,
        status: std::ops::RangeInclusive<u16>,
    ) -> Message {
        let what = format!("{status:?} to INVITE");
        let wanted = |message: &Message| {
            message.cseq_method() == Some("INVITE")
                && message.status().is_some_and(|one| status.contains(&one))
        };
        self.expect(from, &what, wanted).await
    }

    /// Waits for RTP packets of the phone that are wanted, `count` of them since `from`.
    pub(crate) async fn expect_rtp(&mut self, from: usize, count: usize, wanted: impl Fn(u8, &[u8]) -> bool) {
        let found = timeout(Duration::from_secs(10), async {
            while self.heard[from..]
                .iter()
                .filter(|(kind, payload)| wanted(*kind, payload))
                .count()
                < count
            {
                self.serve().await;
            }
        });
        assert!(
            found.await.is_ok(),
            "{} packets, {count} wanted ones among them are missing",
            self.heard.len() - from
        );
    }

    pub(crate) fn summaries(&self, from: usize) -> Vec<String> {
        self.seen[from..].iter().map(Message::summary).collect()
    }

    /// Calls the phone where it has registered.
    pub(crate) fn call(&mut self) {
        let (contact, source) = self.binding.clone().expect("the phone has registered");
        let local = self.sip.local_addr();
        let invite = Builder::request("INVITE", &contact)
            .header(
                "Via",
                format!("SIP/2.0/UDP {local};branch={};rport", self.ids.branch()),
            )
            .header("Max-Forwards", "70")
            .header("From", format!("<sip:peer_a@{local}>;tag={}", self.ids.tag()))
            .header("To", format!("<sip:dut@{local}>"))
            .header("Call-ID", self.ids.call_id("lab"))
            .header("CSeq", "1 INVITE")
            .header("Contact", format!("<sip:peer_a@{local}>"))
            .body("application/sdp", self.sdp())
            .build();
        self.sip.send(source, &invite).unwrap();
        self.invite = Some(Message::parse(&invite));
    }

    /// Ends the call the lab has placed.
    pub(crate) fn bye(&mut self) {
        let dialog = self.dialog.as_mut().expect("a call is up");
        let bye = dialog.request("BYE", &mut self.ids).build();
        let (_, source) = self.binding.as_ref().expect("the phone has registered");
        self.sip.send(*source, &bye).unwrap();
    }

    /// Sends the square wave into the call for so many packets.
    pub(crate) async fn talk(&mut self, packets: u16) {
        let media = self.media.expect("a call is up");
        for number in 0..packets {
            let mut packet = vec![0x80, 0];
            packet.extend(number.to_be_bytes());
            packet.extend((u32::from(number) * 160).to_be_bytes());
            packet.extend(7u32.to_be_bytes());
            packet.extend(square_wave());
            self.rtp.send(media, &packet).unwrap();
            self.during(sleep(Duration::from_millis(20))).await;
        }
    }

    fn sdp(&self) -> Vec<u8> {
        let port = self.rtp.local_addr().port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
        )
        .into_bytes()
    }

    async fn serve(&mut self) {
        tokio::select! {
            datagram = self.sip.recv() => {
                let datagram = datagram.unwrap();
                let message = Message::parse(&datagram.bytes);
                if message.is_request() {
                    self.answer(&message, datagram.source);
                } else if message.is_response() {
                    self.hear(&message, datagram.source);
                } else {
                    return; // a keep-alive
                }
                self.seen.push(message);
            }
            datagram = self.rtp.recv() => {
                let bytes = datagram.unwrap().bytes;
                if bytes.len() > 12 {
                    self.heard.push((bytes[1] & 0x7f, bytes[12..].to_vec()));
                }
            }
        }
    }

    fn answer(&mut self, request: &Message, source: SocketAddr) {
        let local = self.sip.local_addr();
        let respond = |status: u16| Builder::response_to(request, status, "").to_tag("lab");
        let responses = match request.method().unwrap_or_default() {
            "ACK" => vec![],
            "REGISTER" => {
                let contact = request.header("Contact").unwrap_or_default().to_owned();
                if let Some(contact) = request.contacts().first() {
                    self.binding = Some((contact.uri.to_string(), source));
                }
                vec![respond(200).header("Contact", contact).header("Expires", "60")]
            }
            "INVITE" => {
                if let Some(Ok(offer)) = request.sdp() {
                    self.media = media_of(&offer);
                }
                let contact = format!("<sip:peer_a@{local}>");
                vec![
                    respond(180),
                    respond(200)
                        .header("Contact", contact)
                        .body("application/sdp", self.sdp()),
                ]
            }
            "REFER" => vec![respond(202)],
            _ => vec![respond(200)],
        };
        for response in responses {
            self.sip.send(source, &response.build()).unwrap();
        }
    }

    fn hear(&mut self, response: &Message, source: SocketAddr) {
        let Some(invite) = &self.invite else { return };
        let (Some(status), Some("INVITE")) = (response.status(), response.cseq_method()) else {
            return;
        };
        let ack = match status {
            ..200 => return,
            200..300 => {
                if let Some(Ok(answer)) = response.sdp() {
                    self.media = media_of(&answer);
                }
                let Some(dialog) = Dialog::from_uac(invite, response) else {
                    return;
                };
                let ack = dialog.ack(1, &mut self.ids).build();
                self.dialog = Some(dialog);
                ack
            }
            _ => ack_for(invite, response),
        };
        self.sip.send(source, &ack).unwrap();
    }
}

fn media_of(description: &voxproof_sip::sdp::Description) -> Option<SocketAddr> {
    let audio = description.audio()?;
    Some(SocketAddr::new(
        description.address_of(audio)?.parse().ok()?,
        audio.port,
    ))
}

/// Processes of this name that this test has started, by id.
pub(crate) fn children(name: &str) -> Vec<i32> {
    let own = std::process::id().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let id: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // pid (name) state parent ...
            let (before, after) = stat.rsplit_once(')')?;
            let fields: Vec<&str> = after.split_whitespace().collect();
            let running = fields.first() != Some(&"Z") && fields.get(1) == Some(&own.as_str());
            (running && before.ends_with(&format!("({name}"))).then_some(id)
        })
        .collect()
}

/// Whether the program is installed; says so when it is not.
pub(crate) fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}
