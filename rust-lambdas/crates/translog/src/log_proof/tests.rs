use super::*;

const CHECKPOINT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
const HASH: &str = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=";

#[test]
fn reads_what_it_writes_with_and_without_extra_and_proof() {
    for (extra, proof) in [
        (vec![], vec![]),
        (vec![], vec![[7; 32]; 3]),
        (b"extra".to_vec(), vec![[7; 32]; 63]),
    ] {
        let whole = LogProof {
            extra,
            index: 73_894,
            proof,
            checkpoint: CHECKPOINT,
        };
        let text = whole.write();
        assert_eq!(LogProof::read(text.as_bytes()), Ok(whole));
    }
}

#[test]
fn refuses_every_other_form() {
    let many = format!("{HASH}\n").repeat(64);
    for text in [
        String::new(),
        format!("c2sp.org/tlog-proof@v2\nindex 0\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\r\nindex 0\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nindex 00\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nindex -1\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nextra AA\nindex 0\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{HASH}\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n{CHECKPOINT}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{many}\n{CHECKPOINT}"),
        format!(
            "c2sp.org/tlog-proof@v1\nindex 0\n\n{}",
            CHECKPOINT.trim_end()
        ),
        format!(
            "c2sp.org/tlog-proof@v1\nindex 0\n\n{CHECKPOINT}{}",
            " ".repeat(BYTES_MAX)
        ),
    ] {
        assert_eq!(
            LogProof::read(text.as_bytes()),
            Err(Reject::Malformed),
            "{text:?}"
        );
    }
}
