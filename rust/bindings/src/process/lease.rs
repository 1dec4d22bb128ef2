//! `Lease`: a lane for as long as one call or stream needs it.

use tokenwire_core::error::Error;

use crate::ground::fork;
use crate::process::current::current;
use crate::process::sync_runtime::Lane;

/// A lane that returns to the idle ones when dropped. In a forked child it is the parent's and is leaked.
pub(crate) struct Lease {
    lane: Option<Lane>,
    generation: u64,
}

impl Lease {
    /// Takes an idle lane or creates one. Called without the GIL.
    pub(crate) fn new() -> Result<Self, Error> {
        let lane = current().lanes.lease()?;
        Ok(Self {
            lane: Some(lane),
            generation: fork::generation(),
        })
    }

    /// The lane; None only while the lease is being dropped.
    pub(crate) fn lane(&self) -> Option<&Lane> {
        self.lane.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take() else { return };
        if self.generation == fork::generation() {
            current().lanes.give_back(lane);
        } else {
            // Dropping it would remove the parent's sockets from the epoll instance that both share.
            std::mem::forget(lane);
        }
    }
}
