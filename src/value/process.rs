//! Owns what the process does to itself before it holds a secret.
//! Must not know which secret, nor what the run is about.

use nix::sys::{prctl, resource};

/// Takes away the two ways in which memory reaches a disk or another process of the same user: core dumps, and
/// `ptrace` with `/proc/PID/mem`. Called before a key or a value is read.
///
/// A kernel or a sandbox that refuses is no reason not to run, so failures are passed over.
pub fn harden() {
    let _ = resource::setrlimit(resource::Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardened_processes_leave_no_dump() {
        harden();
        assert_eq!(
            resource::getrlimit(resource::Resource::RLIMIT_CORE),
            Ok((0, 0))
        );
        assert_eq!(prctl::get_dumpable(), Ok(false));
    }
}
