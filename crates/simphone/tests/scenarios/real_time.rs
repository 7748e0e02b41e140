//! The same phone on the operating system's network, on loopback. Nothing here depends on the machine's speed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use voxproof_net::{Endpoint, MediaSession, Net};
use voxproof_simphone::{CallState, SimPhone, SimPhoneConfig};
use voxproof_sip::{Builder, Message, default_reason};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(60);

struct Count(UnboundedSender<Vec<u8>>);

impl MediaSession for Count {
    fn interval(&self) -> Duration {
        Duration::from_millis(20)
    }
    fn tick(&mut self, _deadline: Duration, _now: Duration, _out: &mut Vec<(SocketAddr, Vec<u8>)>) {}
    fn sent(&mut self, _deadline: Duration, _at: Duration, _to: SocketAddr, _bytes: &[u8]) {}
    fn received(&mut self, _at: Duration, _source: SocketAddr, bytes: &[u8]) {
        let _ = self.0.send(bytes.to_vec());
    }
}

async fn wait_for(sip: &Endpoint, wanted: impl Fn(&Message) -> bool) -> Message {
    let search = async {
        loop {
            let message = Message::parse(&sip.recv().await.unwrap().bytes);
            if wanted(&message) {
                return message;
            }
        }
    };
    tokio::time::timeout(PATIENCE, search)
        .await
        .expect("the phone says nothing")
}

#[tokio::test]
async fn it_registers_answers_talks_and_stops() {
    let net = Net::os();
    let sip = net.bind(SocketAddr::new(LOOPBACK, 0)).await.unwrap();
    let mut config = SimPhoneConfig::new(LOOPBACK, sip.local_addr(), "bob", "secret");
    config.auto_answer = Some(Duration::ZERO);
    config.speech = Arc::from(vec![1000; 800]);
    let phone = SimPhone::start(&net, config).await.unwrap();
    let reply = |request: &Message, status| {
        let builder = Builder::response_to(request, status, default_reason(status)).to_tag("lab");
        sip.send(phone.contact(), &builder.build()).unwrap();
    };
    let register = wait_for(&sip, |message| message.method() == Some("REGISTER")).await;
    reply(&register, 200);

    let (sender, mut packets) = unbounded_channel();
    let ear: Arc<Mutex<Count>> = Arc::new(Mutex::new(Count(sender)));
    let mut rtp = net.open_media(LOOPBACK, ear).unwrap();
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n",
        rtp.local_addr().port()
    );
    let request = |method: &str, branch: &str, cseq: u32| {
        Builder::request(method, &format!("sip:bob@{}", phone.contact()))
            .header(
                "Via",
                format!("SIP/2.0/UDP {};branch=z9hG4bK{branch}", sip.local_addr()),
            )
            .header("From", "<sip:alice@127.0.0.1>;tag=a")
            .header("Call-ID", "c")
            .header("CSeq", format!("{cseq} {method}"))
            .header("Contact", format!("<sip:alice@{}>", sip.local_addr()))
    };
    let invite = request("INVITE", "1", 1)
        .header("To", "<sip:bob@127.0.0.1>")
        .body("application/sdp", sdp);
    sip.send(phone.contact(), &invite.build()).unwrap();
    let ok = wait_for(&sip, |message| message.status() == Some(200)).await;
    let to = ok.header("to").unwrap().to_owned();
    sip.send(phone.contact(), &request("ACK", "2", 1).header("To", &to).build())
        .unwrap();
    for _ in 0..10 {
        let packet = tokio::time::timeout(PATIENCE, packets.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(packet.len(), 172);
    }
    assert_eq!(phone.call_state().await, CallState::Established);
    assert!(phone.registered().await);
    sip.send(phone.contact(), &request("BYE", "3", 2).header("To", &to).build())
        .unwrap();
    wait_for(&sip, |message| {
        message.status() == Some(200) && message.cseq_method() == Some("BYE")
    })
    .await;
    rtp.stop();
    assert!(!phone.recording().await.is_empty());

    let stopper = phone.clone();
    let stopping = tokio::spawn(async move { stopper.stop().await });
    let removal = wait_for(&sip, |message| message.method() == Some("REGISTER")).await;
    assert_eq!(removal.expires(), Some(0));
    reply(&removal, 200);
    stopping.await.unwrap().unwrap();
}
