//! Keeps one sandbox process between runs, for one tenant.

use std::io;

use tokio::time::Instant;

use crate::sandbox::Sandbox;

pub use crate::sandbox::Program;

/// A process that is ready for the next run, or none.
pub struct Keeper {
    program: Program,
    ready: Option<Ready>,
}

struct Ready {
    sandbox: Sandbox,
    /// `None`: it has not served anyone.
    tenant: Option<String>,
}

/// A process that was taken for a run. It is gone afterwards unless [`Keeper::give_back`] gets it.
pub(crate) struct Taken {
    pub sandbox: Sandbox,
    tenant: String,
}

impl Ready {
    fn is_for(&self, tenant: &str) -> bool {
        self.tenant.as_deref().is_none_or(|served| served == tenant)
    }

    fn if_alive(mut self) -> Option<Self> {
        self.sandbox.is_alive().then_some(self)
    }
}

impl Keeper {
    /// Starts a process ahead: it loads its image while the first run is still on its way.
    pub fn start(program: Program) -> io::Result<Self> {
        let ready = Some(Ready {
            sandbox: Sandbox::start(&program)?,
            tenant: None,
        });
        Ok(Self { program, ready })
    }

    /// Waits until a process is there for whoever comes: the time of a run counts from the moment that it is fetched. A
    /// process that fails is found out by the run that takes it, which can then say so.
    pub(crate) async fn warm_up(&mut self, until: Instant) -> io::Result<()> {
        let alive = self.ready.take().and_then(Ready::if_alive);
        let mut ready = match alive {
            Some(ready) => ready,
            None => Ready {
                sandbox: Sandbox::start(&self.program)?,
                tenant: None,
            },
        };
        if ready.sandbox.greeted(until).await.is_ok() {
            self.ready = Some(ready);
        }
        Ok(())
    }

    /// A process for `tenant`. One that served another tenant ends here.
    pub(crate) fn take(&mut self, tenant: &str) -> io::Result<Taken> {
        let ready = self.ready.take().filter(|ready| ready.is_for(tenant));
        let alive = ready.and_then(Ready::if_alive);
        let sandbox = match alive {
            Some(ready) => ready.sandbox,
            None => Sandbox::start(&self.program)?,
        };
        Ok(Taken {
            sandbox,
            tenant: tenant.to_owned(),
        })
    }

    /// Only after a run that the process ended itself: of any other nobody knows what is still going on in there.
    pub(crate) fn give_back(&mut self, taken: Taken) {
        self.ready = Some(Ready {
            sandbox: taken.sandbox,
            tenant: Some(taken.tenant),
        });
    }

    /// Digest of the script image.
    pub(crate) fn image(&self) -> &str {
        &self.program.sha256
    }
}
