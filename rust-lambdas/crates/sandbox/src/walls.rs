//! What the process gives up before it takes a script. A wall that the kernel lacks is missing from `Walls`, not fatal:
//! the instance is the first wall, these stand behind it.

use std::convert::Infallible;
use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::Serialize;

/// Descriptors: the three pipes, the image, the engine's memory files.
const FILES_MAX: u64 = 64;

/// Which walls hold.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Walls {
    /// The process started without environment variables.
    pub environment: bool,
    /// No program that it started could gain rights.
    pub no_new_privileges: bool,
    /// No core file, few descriptors, no new processes.
    pub resource_limits: bool,
    /// No file can be opened, no TCP port bound or connected.
    pub landlock: bool,
    /// Of the kernel only what running instances needs.
    pub seccomp: bool,
    /// The process dies with the one that started it.
    pub dies_with_parent: bool,
}

/// Starts the program again with an empty environment if it has one: variables of a running process stay readable in it.
pub fn forget_environment() -> io::Result<()> {
    if std::env::vars_os().next().is_none() {
        return Ok(());
    }
    Err(match restart_without_environment() {
        Ok(never) => match never {},
        Err(error) => error,
    })
}

#[cfg(unix)]
fn restart_without_environment() -> io::Result<Infallible> {
    use std::os::unix::process::CommandExt;
    let mut arguments = std::env::args_os();
    arguments.next();
    Err(std::process::Command::new(std::env::current_exe()?)
        .args(arguments)
        .env_clear()
        .exec())
}

#[cfg(not(unix))]
fn restart_without_environment() -> io::Result<Infallible> {
    Err(io::Error::other(
        "start signet-sandbox with an empty environment",
    ))
}

/// The walls that do not hinder loading the image.
pub fn before_loading() -> Walls {
    Walls {
        environment: std::env::vars_os().next().is_none(),
        resource_limits: limit_resources(),
        no_new_privileges: forbid_privileges(),
        dies_with_parent: die_with_parent(),
        ..Walls::default()
    }
}

fn limit_resources() -> bool {
    let limit = |resource, most| {
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )
        .is_ok()
    };
    limit(Resource::Core, 0) && limit(Resource::Nofile, FILES_MAX)
}

#[cfg(target_os = "linux")]
fn forbid_privileges() -> bool {
    rustix::thread::set_no_new_privs(true).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn forbid_privileges() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn die_with_parent() -> bool {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> bool {
    false
}

impl Walls {
    /// After this no file can be opened. Call it before threads are made: they inherit it.
    pub fn close_files(&mut self) {
        self.landlock = forbid_files();
    }

    /// After this only the listed kernel calls work, in every thread; no thread or process can be made.
    pub fn close_kernel(&mut self) {
        let no_processes = setrlimit(
            Resource::Nproc,
            Rlimit {
                current: Some(0),
                maximum: Some(0),
            },
        )
        .is_ok();
        self.resource_limits = self.resource_limits && no_processes;
        self.seccomp = forbid_kernel_calls();
    }
}

#[cfg(target_os = "linux")]
fn forbid_files() -> bool {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
        RulesetStatus, Scope,
    };
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let restricted = ruleset
        .handle_access(AccessFs::from_all(ABI::V6))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V6)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V6)))
        .and_then(|ruleset| ruleset.create())
        .and_then(|ruleset| ruleset.restrict_self());
    restricted.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

#[cfg(not(target_os = "linux"))]
fn forbid_files() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn forbid_kernel_calls() -> bool {
    kernel_filter().is_some_and(|filter| seccompiler::apply_filter_all_threads(&filter).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn forbid_kernel_calls() -> bool {
    false
}

/// Whatever is not listed answers EPERM. Memory may be mapped, but never again as code.
#[cfg(target_os = "linux")]
fn kernel_filter() -> Option<seccompiler::BpfProgram> {
    use seccompiler::{SeccompAction, SeccompFilter, SeccompRule};
    let mut rules: std::collections::BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_mmap, vec![without_flag(2, libc::PROT_EXEC)?]);
    rules.insert(libc::SYS_mprotect, vec![without_flag(2, libc::PROT_EXEC)?]);
    let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM).ok()?);
    let architecture = std::env::consts::ARCH.try_into().ok()?;
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, architecture)
        .ok()?
        .try_into()
        .ok()
}

#[cfg(target_os = "linux")]
fn without_flag(argument: u8, flag: i32) -> Option<seccompiler::SeccompRule> {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
    let flag = u64::try_from(flag).ok()?;
    let condition = SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(flag),
        0,
    )
    .ok()?;
    SeccompRule::new(vec![condition]).ok()
}

#[cfg(target_os = "linux")]
const ALLOWED: &[i64] = &[
    // the pipes
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    // memory of instances: copy-on-write images, stacks, heaps
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    libc::SYS_lseek,
    // threads waiting for one another, clocks, sleeping
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_rseq,
    // traps of instances arrive as signals
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    // the end
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
];
