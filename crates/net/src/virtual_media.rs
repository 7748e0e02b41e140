//! A media port of the virtual network: one tokio task.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use crate::health::LagRecord;
use crate::hub::{FreePort, Hub, HubPort};
use crate::media::{self, Grid, lock};
use crate::network::Ports;
use crate::{Clock, Datagram, MediaPort, MediaSession, NetError, Reception};

pub(crate) fn open(
    hub: &Arc<Hub>,
    clock: Clock,
    local: IpAddr,
    ports: Ports,
    session: Arc<Mutex<dyn MediaSession>>,
) -> Result<MediaPort, NetError> {
    let runtime = Handle::try_current().map_err(|_| NetError::NoRuntime)?;
    let (rtp, rtcp) = match ports {
        Ports::Rtp => (hub.bind(clock, SocketAddr::new(local, 0), FreePort::Even)?, None),
        Ports::RtpAndRtcp => {
            let (rtp, rtcp) = hub.bind_pair(clock, local)?;
            (rtp, Some(rtcp))
        }
    };
    let (local, odd) = (rtp.local_addr(), rtcp.as_ref().map(HubPort::local_addr));
    let marking = rtp.marking().clone();
    let record = Arc::new(Mutex::new(LagRecord::default()));
    let grid = Grid::new(clock.now());
    let task = runtime.spawn(run(rtp, rtcp, clock, grid, session, Arc::clone(&record)));
    Ok(MediaPort::new(media::Handle {
        local,
        rtcp: odd,
        record,
        mark: Box::new(move |dscp| {
            marking.set(dscp);
            Ok(())
        }),
        // the task waits nowhere while it holds the lock, so on one thread nothing of it runs after the abort
        stop: Box::new(move || task.abort()),
    }))
}

async fn run(
    rtp: HubPort,
    rtcp: Option<HubPort>,
    clock: Clock,
    mut grid: Grid,
    session: Arc<Mutex<dyn MediaSession>>,
    record: Arc<Mutex<LagRecord>>,
) {
    let mut out = Vec::new();
    loop {
        let deadline = grid.deadline();
        tokio::select! {
            // what has arrived at this instant is heard before the next packet is made, always in this order
            biased;
            datagram = rtp.recv() => lock(&session).reception(reception(&datagram)),
            datagram = recv_odd(rtcp.as_ref()) => lock(&session).received_rtcp(reception(&datagram)),
            () = clock.sleep_until(deadline) => {
                let now = clock.now();
                let mut session = lock(&session);
                session.tick(deadline, now, &mut out);
                for (to, bytes) in out.drain(..) {
                    let at = rtp.send(to, &bytes);
                    session.sent(deadline, at, to, &bytes);
                }
                if let Some(rtcp) = &rtcp {
                    session.tick_rtcp(deadline, now, &mut out);
                    for (to, bytes) in out.drain(..) {
                        let at = rtcp.send(to, &bytes);
                        session.sent_rtcp(deadline, at, to, &bytes);
                    }
                }
                let interval = session.interval();
                drop(session);
                lock(&record).tick(now.saturating_sub(deadline));
                grid.advance(interval);
            }
        }
    }
}

async fn recv_odd(rtcp: Option<&HubPort>) -> Datagram {
    match rtcp {
        Some(rtcp) => rtcp.recv().await,
        None => std::future::pending().await,
    }
}

fn reception(datagram: &Datagram) -> Reception<'_> {
    Reception {
        at: datagram.at,
        source: datagram.source,
        bytes: &datagram.bytes,
        dscp: datagram.dscp,
    }
}
