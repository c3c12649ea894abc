use super::*;

fn frame(items: &[&[&[u8]]]) -> Vec<u8> {
    let mut bytes = (items.len() as u32).to_le_bytes().to_vec();
    for field in items.iter().flat_map(|fields| fields.iter()) {
        bytes.extend((field.len() as u32).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

#[test]
fn answers_each_item_in_order_and_lets_a_bad_one_stand_alone() {
    let request = frame(&[&[b"[1e2]"], &[b"{"], &[b"null"]]);
    let answer = Engine::default()
        .answer(Operation::Canonicalise as u32, &request)
        .unwrap();
    let expected = [
        &[1, 5, 0, 0, 0][..],
        b"[100]",
        &[0, 11, 0, 0, 0],
        b"json.syntax",
        &[1, 4, 0, 0, 0],
        b"null",
    ];
    assert_eq!(answer, expected.concat());
}

#[test]
fn refuses_frames_that_are_not_whole() {
    let mut engine = Engine::default();
    let whole = frame(&[&[b"abc"]]);
    let operation = Operation::Digest as u32;
    for cut in 0..whole.len() {
        assert_eq!(
            engine.answer(operation, &whole[..cut]),
            Err(FrameError::Short),
            "{cut}"
        );
    }
    assert_eq!(
        engine.answer(operation, &[&whole[..], b"x"].concat()),
        Err(FrameError::Long)
    );
    assert_eq!(
        engine.answer(operation, &u32::MAX.to_le_bytes()),
        Err(FrameError::Short)
    );
    assert_eq!(engine.answer(0, &whole), Err(FrameError::Operation(0)));
    assert_eq!(engine.answer(99, &whole), Err(FrameError::Operation(99)));
    assert_eq!(
        engine.answer(Operation::DecodeKeyIds as u32, &frame(&[&[b"\xff"]])),
        Err(FrameError::Utf8)
    );
    let mut role = frame(&[&[&[]]]);
    role[4..8].copy_from_slice(&6u32.to_le_bytes());
    assert_eq!(
        engine.answer(Operation::OpenKey as u32, &role),
        Err(FrameError::Role(6))
    );
}
