//! Keeps one sandbox process between runs, for one tenant.

use std::io;

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
    has_greeted: bool,
}

/// A process that was taken for a run. It is gone afterwards unless [`Keeper::give_back`] gets it.
pub(crate) struct Taken {
    pub sandbox: Sandbox,
    pub has_greeted: bool,
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
            has_greeted: false,
        });
        Ok(Self { program, ready })
    }

    /// A process for `tenant`. One that served another tenant ends here.
    pub(crate) fn take(&mut self, tenant: &str) -> io::Result<Taken> {
        let ready = self.ready.take().filter(|ready| ready.is_for(tenant));
        let alive = ready.and_then(Ready::if_alive);
        let (sandbox, has_greeted) = match alive {
            Some(ready) => (ready.sandbox, ready.has_greeted),
            None => (Sandbox::start(&self.program)?, false),
        };
        Ok(Taken {
            sandbox,
            has_greeted,
            tenant: tenant.to_owned(),
        })
    }

    /// Only after a run that the process ended itself: of any other nobody knows what is still going on in there.
    pub(crate) fn give_back(&mut self, taken: Taken) {
        self.ready = Some(Ready {
            sandbox: taken.sandbox,
            tenant: Some(taken.tenant),
            has_greeted: taken.has_greeted,
        });
    }

    /// Digest of the script image.
    pub(crate) fn image(&self) -> &str {
        &self.program.sha256
    }
}
