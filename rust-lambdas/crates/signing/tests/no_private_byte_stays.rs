//! After a key is dropped, none of its seed is left in this process: not on the heap, not on a stack.
#![cfg(target_os = "linux")]

use std::fs::{File, read_to_string};
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use signing::{PrivateKey, Role, envelope, pkcs8};
use zeroize::{Zeroize, Zeroizing};

#[test]
fn a_dropped_key_leaves_nothing_behind() {
    assert_eq!(copies_of_the_seed(), 0, "the seed exists before it is made");

    let mut pem = {
        let mut seed = Zeroizing::new([0u8; 32]);
        for (at, byte) in seed.iter_mut().enumerate() {
            *byte = seed_byte(at);
        }
        assert_eq!(copies_of_the_seed(), 1, "the search finds nothing");
        pkcs8::write(&seed)
    };
    let key = PrivateKey::from_seed(Role::Session, &pkcs8::read(&pem).expect("a key file"));
    pem.zeroize();
    let statement = br#"{"predicateType":"urn:signet:decision:v1"}"#;
    for _ in 0..10 {
        envelope::seal(&key, "application/vnd.in-toto+json", statement).expect("an envelope");
    }
    let held = copies_of_the_seed();
    // One, where the build keeps the seed; none, where it keeps what is derived from it.
    assert!(held <= 1, "{held} copies of the seed while the key is open");
    drop(key);
    assert_eq!(copies_of_the_seed(), 0, "the seed outlives its key");
}

/// The seed is never in memory but where the key puts it: the search computes it byte by byte.
fn seed_byte(at: usize) -> u8 {
    let mixed = black_box(at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29))
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
        .to_le_bytes()[6]
}

fn copies_of_the_seed() -> usize {
    let memory = File::open("/proc/self/mem").expect("this process's memory");
    let maps = read_to_string("/proc/self/maps").expect("this process's map");
    maps.lines()
        .filter(|line| {
            line.split(' ')
                .nth(1)
                .is_some_and(|rights| rights.starts_with("rw"))
        })
        .map(|line| {
            let (start, rest) = line.split_once('-').expect("a range");
            let end = rest.split(' ').next().expect("its end");
            let address = |text| u64::from_str_radix(text, 16).expect("an address");
            copies_in(&memory, address(start), address(end))
        })
        .sum()
}

/// Pieces overlap by 31 bytes, so that no copy is cut; a piece is cleared before the next, or it would be found itself.
fn copies_in(memory: &File, start: u64, end: u64) -> usize {
    let mut piece = Zeroizing::new(vec![0u8; 4096 + 31]);
    let mut found = 0;
    for at in (start..end).step_by(4096) {
        let length = piece.len().min((end - at) as usize);
        if memory.read_exact_at(&mut piece[..length], at).is_ok() {
            found += (0..length.saturating_sub(31))
                .filter(|from| (0..32).all(|byte| piece[from + byte] == seed_byte(byte)))
                .count();
        }
        piece.as_mut_slice().zeroize();
    }
    found
}
