//! Settings by HTTP.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::lab::{Lab, authorised, challenge, ms};
use voxproof_net::tls::{CertificateRequest, IdentityName, Roots, TestAuthority, TlsClient, TlsServer};
use voxproof_net::{Accepted, ClientSecurity, Net, StreamSecurity};
use voxproof_simphone::{CheckSync, Fault, Provisioning};
use voxproof_sip::Message;

const HTTP: &str = "10.0.0.1:8080";

/// Serves a text that may change; the requests it has got.
async fn serve(net: &Net, text: Arc<Mutex<String>>, security: StreamSecurity) -> Arc<Mutex<Vec<String>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut listener = net.listen(HTTP.parse().unwrap(), security).await.unwrap();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok(accepted) = listener.accept().await {
            let Accepted::Connection(mut connection) = accepted else {
                continue;
            };
            if let Ok(Some(request)) = connection.recv().await {
                heard
                    .lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&request.bytes).into_owned());
                let text = text.lock().unwrap().clone();
                let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
                connection.send(response.as_bytes()).await.unwrap();
            }
        }
    });
    asked
}

#[tokio::test(start_paused = true)]
async fn a_changed_setting_is_followed() {
    for (faults, first, second) in [
        (&[][..], "180", "240"),
        (&[Fault::ProvisioningIgnored][..], "3600", ""),
        (&[Fault::CheckSyncNotFetched][..], "180", ""),
    ] {
        let lab = Lab::switched_on(faults, |config| {
            config.check_sync = CheckSync::Accepted;
            config.provisioning = Some(Provisioning {
                server: HTTP.parse().unwrap(),
                path: "/phone.txt".to_owned(),
                security: ClientSecurity::Plain,
            });
        });
        // the phone has started, but its task has not run yet
        let lab = lab.await;
        let text = Arc::new(Mutex::new("register_expires = 180\ncodecs = PCMA\n".to_owned()));
        let asked = serve(&lab.net, Arc::clone(&text), StreamSecurity::Plain).await;
        let register = lab.expect("REGISTER").await;
        assert_eq!(register.header("expires"), Some(first), "{faults:?}");
        assert!(asked.lock().unwrap()[0].starts_with("GET /phone.txt HTTP/1.0\r\n"));
        lab.reply(&register, 401, |builder| {
            builder.header("WWW-Authenticate", challenge("n1", false))
        });
        let register = lab.expect("REGISTER").await;
        assert!(authorised(&register, "REGISTER"));
        lab.grant(&register, 3600);
        lab.settle().await;
        "register_expires = 240\n".clone_into(&mut text.lock().unwrap());
        lab.send(
            &lab.request("NOTIFY", "sync")
                .header("Event", "check-sync")
                .build(),
        );
        lab.expect_status(200).await;
        let again = lab.collect(ms(200)).await;
        let again = again.first().and_then(|(_, message)| message.header("expires"));
        if second.is_empty() {
            assert!(again.is_none() || again == Some("3600"), "{faults:?}");
        } else {
            assert_eq!(again, Some(second));
        }
        let fetches = asked.lock().unwrap().len();
        assert_eq!(
            fetches,
            if faults == [Fault::CheckSyncNotFetched] {
                1
            } else {
                2
            }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_stranger_is_refused_where_the_servers_is_followed() {
    let lab = Lab::switched_on(&[], |config| config.check_sync = CheckSync::FromServer).await;
    lab.accept_registration().await;
    let order = |branch: &str| {
        lab.request("NOTIFY", branch)
            .header("Event", "check-sync")
            .build()
    };
    lab.send(&order("server"));
    lab.expect_status(200).await;
    let stranger = lab.net.bind("10.0.0.9:5060".parse().unwrap()).await.unwrap();
    stranger.send(lab.phone.contact(), &order("stranger")).unwrap();
    let refusal = stranger.recv().await.unwrap();
    assert_eq!(Message::parse(&refusal.bytes).status(), Some(403));
    assert_eq!(lab.phone.received().await.check_syncs, 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_changes_nothing() {
    let lab = Lab::switched_on(&[], |config| {
        config.provisioning = Some(Provisioning {
            server: HTTP.parse().unwrap(),
            path: "/phone.txt".to_owned(),
            security: ClientSecurity::Plain,
        });
    })
    .await;
    let register = lab.expect("REGISTER").await;
    assert_eq!(register.header("expires"), Some("3600"));
}

#[tokio::test(start_paused = true)]
async fn over_tls_from_a_server_it_trusts_only() {
    let authority = TestAuthority::generate(SystemTime::now()).unwrap();
    let other = TestAuthority::generate(SystemTime::now()).unwrap();
    let request = CertificateRequest::new([IdentityName::Ip("10.0.0.1".parse().unwrap())]);
    for (trusted, expires) in [(&authority, "180"), (&other, "3600")] {
        let roots = Roots::from(trusted);
        let lab = Lab::switched_on(&[], |config| {
            config.provisioning = Some(Provisioning {
                server: HTTP.parse().unwrap(),
                path: "/phone.txt".to_owned(),
                security: ClientSecurity::Tls(TlsClient::new("10.0.0.1", roots)),
            });
        })
        .await;
        let text = Arc::new(Mutex::new("register_expires = 180\n".to_owned()));
        let server = TlsServer::new(authority.issue(&request).unwrap());
        serve(&lab.net, text, StreamSecurity::Tls(server)).await;
        let register = lab.expect("REGISTER").await;
        assert_eq!(register.header("expires"), Some(expires));
    }
}
