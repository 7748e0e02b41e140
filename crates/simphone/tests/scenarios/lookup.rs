//! The server found by service records (RFC 3263), and another one when it fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::lab::{PASSWORD, ms};
use hickory_proto::op::Message as DnsMessage;
use hickory_proto::rr::rdata::{A, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use voxproof_net::{Endpoint, Net};
use voxproof_simphone::{Fault, Lookup, SimPhone, SimPhoneConfig};
use voxproof_sip::{Builder, Message, default_reason};

const NAME_SERVER: &str = "10.0.0.1:53";
const TOLD: &str = "10.0.0.9:5060";

fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

/// Answers two questions: which hosts serve the domain, and where they are.
async fn serve(socket: Endpoint) {
    while let Ok(datagram) = socket.recv().await {
        let question = DnsMessage::from_vec(&datagram.bytes).unwrap();
        let asked = question.queries[0].clone();
        let mut answer = DnsMessage::response(question.metadata.id, question.metadata.op_code);
        answer.add_query(asked.clone());
        match asked.query_type() {
            RecordType::SRV if *asked.name() == name("_sip._udp.example.test.") => {
                for (priority, host) in [(20, "last.example.test."), (10, "first.example.test.")] {
                    let service = SRV::new(priority, 0, 5060, name(host));
                    answer.add_answer(Record::from_rdata(asked.name().clone(), 60, RData::SRV(service)));
                }
            }
            RecordType::A => {
                let last = if *asked.name() == name("first.example.test.") {
                    1
                } else {
                    2
                };
                let address = RData::A(A(Ipv4Addr::new(10, 0, 0, last)));
                answer.add_answer(Record::from_rdata(asked.name().clone(), 60, address));
            }
            _ => {}
        }
        socket.send(datagram.source, &answer.to_vec().unwrap()).unwrap();
    }
}

async fn listening(net: &Net, address: &str) -> Endpoint {
    net.bind(address.parse().unwrap()).await.unwrap()
}

async fn started(net: &Net, faults: &[Fault], domain: &str) -> SimPhone {
    let mut config = SimPhoneConfig::new(
        "10.0.0.3".parse().unwrap(),
        TOLD.parse::<SocketAddr>().unwrap(),
        "bob",
        PASSWORD,
    );
    config.faults = faults.iter().copied().collect();
    config.lookup = Some(Lookup {
        name_server: NAME_SERVER.parse().unwrap(),
        domain: domain.to_owned(),
    });
    SimPhone::start(net, config).await.unwrap()
}

/// Whether a REGISTER comes within this time; it is answered so.
async fn registers(at: &Endpoint, within: u64, status: Option<u16>) -> bool {
    let Ok(datagram) = tokio::time::timeout(ms(within), at.recv()).await else {
        return false;
    };
    let datagram = datagram.unwrap();
    let register = Message::parse(&datagram.bytes);
    assert_eq!(register.method(), Some("REGISTER"));
    if let Some(status) = status {
        let contact = register.header("contact").unwrap().to_owned();
        let answer = Builder::response_to(&register, status, default_reason(status))
            .to_tag("lab")
            .header("Contact", format!("{contact};expires=3600"))
            .build();
        at.send(datagram.source, &answer).unwrap();
    }
    true
}

#[tokio::test(start_paused = true)]
async fn the_first_server_of_a_domain_then_the_next() {
    let net = Net::virtual_network();
    let (first, last) = (
        listening(&net, "10.0.0.1:5060").await,
        listening(&net, "10.0.0.2:5060").await,
    );
    tokio::spawn(serve(listening(&net, NAME_SERVER).await));
    let phone = started(&net, &[], "example.test").await;
    assert!(registers(&first, 1000, Some(503)).await);
    assert!(registers(&last, 1000, Some(200)).await);
    tokio::time::sleep(ms(10)).await;
    assert!(phone.registered().await);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_is_given_up_after_64_t1() {
    for (faults, moves) in [(&[][..], true), (&[Fault::NoFailover][..], false)] {
        let net = Net::virtual_network();
        let last = listening(&net, "10.0.0.2:5060").await;
        let _first = listening(&net, "10.0.0.1:5060").await;
        tokio::spawn(serve(listening(&net, NAME_SERVER).await));
        let _phone = started(&net, faults, "example.test").await;
        assert!(!registers(&last, 31_000, None).await);
        assert_eq!(registers(&last, 2000, None).await, moves);
    }
}

#[tokio::test(start_paused = true)]
async fn priorities_count_unless_they_are_ignored() {
    let net = Net::virtual_network();
    let last = listening(&net, "10.0.0.2:5060").await;
    tokio::spawn(serve(listening(&net, NAME_SERVER).await));
    let _phone = started(&net, &[Fault::SrvOrderIgnored], "example.test").await;
    assert!(registers(&last, 1000, None).await);
}

#[tokio::test(start_paused = true)]
async fn without_records_or_name_server_the_address_it_was_told() {
    for answers in [true, false] {
        let net = Net::virtual_network();
        let told = listening(&net, TOLD).await;
        if answers {
            tokio::spawn(serve(listening(&net, NAME_SERVER).await));
        }
        let _phone = started(&net, &[], "elsewhere.test").await;
        assert!(registers(&told, 5000, None).await);
    }
}
