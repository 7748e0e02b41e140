//! Serves a small zone and a page over DNS, HTTP and HTTPS, and prints what is asked.
//!
//! `serve IP DNS-PORT DIRECTORY`; the authority's certificate, a client's identity and the addresses are written into the
//! directory.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use voxproof_net::Net;
use voxproof_net::tls::{CertificateRequest, IdentityName, TestAuthority};
use voxproof_services::dns::{DnsFailure, DnsOrder, DnsRecord, Selection};
use voxproof_services::http::{Authentication, DigestAlgorithm, HttpOrder, Route};
use voxproof_services::{Services, ServicesOptions};

const RECORDS: &[(&str, &str, &str)] = &[
    (
        "example.test",
        "NAPTR",
        "10 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.test",
    ),
    ("_sip._udp.example.test", "SRV", "10 60 5060 a.example.test"),
    ("_sip._udp.example.test", "SRV", "20 60 5060 b.example.test"),
    ("a.example.test", "A", "192.0.2.1"),
    ("a.example.test", "AAAA", "2001:db8::1"),
    ("b.example.test", "A", "192.0.2.2"),
    ("www.example.test", "CNAME", "a.example.test"),
    ("text.example.test", "TXT", "\"one\" \"two\""),
];

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("{what} is missing"));
    let ip: IpAddr = next("IP")?.parse()?;
    let dns_port = next("DNS-PORT")?.parse()?;
    let directory = PathBuf::from(next("DIRECTORY")?);

    let authority = TestAuthority::generate(SystemTime::now())?;
    let client = IdentityName::CommonName("client".to_owned());
    let client = authority.issue(&CertificateRequest::new([client]))?;
    std::fs::write(directory.join("authority.pem"), authority.certificate_pem())?;
    std::fs::write(
        directory.join("client.pem"),
        format!("{}{}", client.certificate_pem(), client.key_pem()),
    )?;

    let options = ServicesOptions {
        dns_port,
        ..ServicesOptions::default()
    };
    let services = Services::open_with(&Net::os(), ip, Some(&authority), &options).await?;
    services.apply(zone()?);
    services.apply(site());
    let address =
        |address: Option<std::net::SocketAddr>| address.map(|one| one.to_string()).unwrap_or_default();
    let addresses = format!(
        "dns={}\nhttp={}\nhttps={}\nmutual={}\n",
        services.dns_address(),
        services.http_address(),
        address(services.https_address()),
        address(services.mutual_address()),
    );
    print!("{addresses}");
    std::fs::write(directory.join("addresses"), addresses)?;
    loop {
        services.event_arrived().await;
        for event in services.drain_events() {
            println!("{} {:?}", event.service(), event.fields());
        }
    }
}

fn zone() -> Result<DnsOrder, Failure> {
    let mut records = Vec::new();
    for (name, kind, value) in RECORDS {
        records.push(DnsRecord::parse(name, kind, value, 30)?);
    }
    for host in 1..=100 {
        records.push(DnsRecord::parse(
            "many.example.test",
            "A",
            &format!("192.0.2.{host}"),
            30,
        )?);
    }
    Ok(DnsOrder {
        records,
        failure: DnsFailure::ServFail,
        scope: Selection::new(Some("broken.example.test"), None)?,
        ..DnsOrder::default()
    })
}

fn site() -> HttpOrder {
    let secret = |path: &str, authentication| Route {
        authentication,
        ..Route::new(path, "text/plain", "secret\n")
    };
    let (username, password) = ("phone".to_owned(), "x".to_owned());
    let digest = |algorithm| Authentication::Digest {
        username: username.clone(),
        password: password.clone(),
        algorithm,
    };
    let unavailable = Route {
        status: 503,
        headers: vec![("Retry-After".to_owned(), "1".to_owned())],
        times: Some(1),
        ..Route::new("/retry", "", "")
    };
    let slow = Route {
        delay: Duration::from_millis(500),
        ..Route::new("/slow", "text/plain", "slow\n")
    };
    HttpOrder {
        replace: true,
        routes: vec![
            Route::new("/plain", "text/plain", "plain\n"),
            Route::new("/upload*", "text/plain", "taken\n"),
            secret("/md5", digest(DigestAlgorithm::Md5)),
            secret("/sha256", digest(DigestAlgorithm::Sha256)),
            secret(
                "/basic",
                Authentication::Basic {
                    username: username.clone(),
                    password: password.clone(),
                },
            ),
            unavailable,
            Route::new("/retry", "text/plain", "at last\n"),
            slow,
        ],
    }
}
