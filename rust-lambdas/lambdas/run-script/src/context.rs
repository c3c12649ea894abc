//! What the function starts with.

use std::path::{Path, PathBuf};

use lambda_kit::{Environment, HttpsClient, StartError};
use relay::keeper::{Keeper, Program};
use relay::times::Times;
use serde::Deserialize;
use tokio::sync::Mutex;

const IMAGE: &str = "/opt/script-image/script-image.cwasm";

/// A process that waits for a script, and the way to the orchestrator.
pub struct Context {
    /// Lambda sends one invocation at a time; the lock says so to the compiler.
    pub(crate) keeper: Mutex<Keeper>,
    pub(crate) client: HttpsClient,
    pub(crate) times: Times,
}

impl Context {
    /// Starts the first sandbox: it loads its image while the runtime fetches the first invocation.
    pub fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        hide_environment();
        let image = environment.path("SIGNET_SCRIPT_IMAGE", IMAGE);
        let program = Program {
            executable: beside_this("signet-sandbox")?,
            sha256: pinned_digest(&image)?,
            image,
        };
        let keeper = Keeper::start(program).map_err(|error| unopened("the sandbox", &error))?;
        Ok(Self {
            keeper: Mutex::new(keeper),
            client: HttpsClient::new(environment)?,
            times: Times::default(),
        })
    }
}

/// A process of the same user can read the variables and the memory of this one in `/proc`, unless it is marked. The
/// sandbox cannot open files in any case: this is for a kernel that lacks that wall.
fn hide_environment() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "the process cannot be hidden from others of its user");
    }
}

fn beside_this(name: &str) -> Result<PathBuf, StartError> {
    let this = std::env::current_exe().map_err(|error| unopened("the program's folder", &error))?;
    Ok(this.with_file_name(name))
}

/// `image.json` stands beside the image, in the same layer.
fn pinned_digest(image: &Path) -> Result<String, StartError> {
    #[derive(Deserialize)]
    struct Description {
        sha256: String,
    }
    let text = std::fs::read(image.with_file_name("image.json"))
        .map_err(|error| unopened("`image.json`", &error))?;
    let Description { sha256 } =
        serde_json::from_slice(&text).map_err(|error| unopened("`image.json`", &error))?;
    Ok(sha256)
}

fn unopened(what: &str, error: &dyn std::error::Error) -> StartError {
    StartError::Unopened(format!("{what} cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(image: &Path) -> String {
        let image = image.display().to_string();
        let environment = Environment::of([("SIGNET_SCRIPT_IMAGE", image.as_str())]);
        match Context::from_environment(&environment) {
            Ok(_) => panic!("starts"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn does_not_start_without_an_image() {
        assert!(
            refusal(Path::new("/nowhere/script-image.cwasm"))
                .contains("`image.json` cannot be used")
        );
    }

    #[test]
    fn does_not_start_without_a_digest_of_the_image() {
        let folder = std::env::temp_dir().join(format!("signet-context-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("image.json"), "{}").expect("a file");
        let refusal = refusal(&folder.join("script-image.cwasm"));
        std::fs::remove_dir_all(&folder).expect("is ours");
        assert!(refusal.contains("`image.json` cannot be used"), "{refusal}");
        assert!(refusal.contains("sha256"), "{refusal}");
    }

    #[test]
    fn does_not_start_without_the_sandbox_beside_it() {
        let folder =
            std::env::temp_dir().join(format!("signet-sandboxless-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("image.json"), r#"{"sha256":"00"}"#).expect("a file");
        let refusal = refusal(&folder.join("script-image.cwasm"));
        std::fs::remove_dir_all(&folder).expect("is ours");
        assert!(refusal.contains("the sandbox cannot be used"), "{refusal}");
    }
}
