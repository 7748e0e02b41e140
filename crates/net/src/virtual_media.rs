//! A media port of the virtual network: one tokio task.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use crate::health::LagRecord;
use crate::hub::{FreePort, Hub, HubPort};
use crate::media::{Grid, lock};
use crate::{Clock, MediaPort, MediaSession, NetError};

pub(crate) fn open(
    hub: &Arc<Hub>,
    clock: Clock,
    local: IpAddr,
    session: Arc<Mutex<dyn MediaSession>>,
) -> Result<MediaPort, NetError> {
    let runtime = Handle::try_current().map_err(|_| NetError::NoRuntime)?;
    let port = hub.bind(clock, SocketAddr::new(local, 0), FreePort::Even)?;
    let local = port.local_addr();
    let record = Arc::new(Mutex::new(LagRecord::default()));
    let interval = lock(&session).interval();
    let grid = Grid::new(clock.now(), interval);
    let task = runtime.spawn(run(port, clock, grid, session, Arc::clone(&record)));
    // the task waits nowhere while it holds the lock, so on one thread nothing of it runs after the abort
    Ok(MediaPort::new(local, record, move || task.abort()))
}

async fn run(
    port: HubPort,
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
            datagram = port.recv() => lock(&session).received(datagram.at, datagram.source, &datagram.bytes),
            () = clock.sleep_until(deadline) => {
                let now = clock.now();
                let mut session = lock(&session);
                session.tick(deadline, now, &mut out);
                for (to, bytes) in out.drain(..) {
                    let at = port.send(to, &bytes);
                    session.sent(deadline, at, to, &bytes);
                }
                drop(session);
                lock(&record).tick(now.saturating_sub(deadline));
                grid.advance();
            }
        }
    }
}
