//! Gate scorers over frames: no state, nothing refused. A text is any bytes.

use ::gates::{
    Attainment, Features, citations, excellence, ground, inject, leak, lists, scorers, snr,
};
use sha2::{Digest, Sha256};

use crate::FrameError;
use crate::frame::{Reader, Writer};

/// What can be asked of the scorers; the numbers cross the language border and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the port's methods have the same names")]
pub enum GateOperation {
    ScoreSnr = 20,
    ScoreLeak = 21,
    ScoreInject = 22,
    FindCitations = 23,
    ScoreGround = 24,
    ScoreExcellence = 25,
    DescribeScorers = 26,
}

impl GateOperation {
    const ALL: [Self; 7] = [
        Self::ScoreSnr,
        Self::ScoreLeak,
        Self::ScoreInject,
        Self::FindCitations,
        Self::ScoreGround,
        Self::ScoreExcellence,
        Self::DescribeScorers,
    ];

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u32 == number)
    }

    /// One outcome for each item.
    pub(crate) fn answer(self, request: &[u8]) -> Result<Vec<u8>, FrameError> {
        let mut request = Reader::new(request);
        let count = request.count()?;
        let mut answer = Writer::new(count, 0);
        for _ in 0..count {
            match self {
                Self::ScoreSnr => score_snr(request.bytes()?, &mut answer),
                Self::ScoreLeak => {
                    let leaks = leak(request.bytes()?);
                    let numbers = [leaks.score(), leaks.cards, leaks.ibans, leaks.keys];
                    accept_numbers(&mut answer, &numbers);
                }
                Self::ScoreInject => {
                    let hits = inject(request.bytes()?);
                    let numbers = [
                        hits.score(),
                        hits.overrides,
                        hits.hidden,
                        hits.links,
                        hits.runs,
                    ];
                    accept_numbers(&mut answer, &numbers);
                }
                Self::FindCitations => {
                    let found = citations(&String::from_utf8_lossy(request.bytes()?));
                    answer
                        .accept()
                        .number(u32::from(found.has_more))
                        .bytes(found.digests.join("\n").as_bytes());
                }
                Self::ScoreGround => {
                    let (found, cited) = (request.number()?, request.number()?);
                    answer.accept().number(ground(found, cited));
                }
                Self::ScoreExcellence => {
                    let least = excellence(&attainments(request.bytes()?)?);
                    answer.accept().number(least);
                }
                Self::DescribeScorers => {
                    request.number()?;
                    answer.accept().bytes(description().as_bytes());
                }
            }
        }
        request.end()?;
        Ok(answer.into_bytes())
    }
}

/// 1, then score, word of the lowest prefix, words read, the six features and the language; or 0 and why not.
fn score_snr(text: &[u8], answer: &mut Writer) {
    match snr(text) {
        Ok(scored) => {
            let Features {
                repeat,
                copies,
                density,
                form,
                function,
                clean,
            } = scored.features;
            accept_numbers(answer, &[1, scored.score, scored.at_word, scored.words]);
            for feature in [repeat, copies, density, form, function, clean] {
                answer.number(feature);
            }
            answer.bytes(scored.language.as_bytes());
        }
        Err(unscored) => {
            answer.accept().number(0).bytes(unscored.name().as_bytes());
        }
    }
}

/// Pairs of score and bar.
fn attainments(bytes: &[u8]) -> Result<Vec<Attainment>, FrameError> {
    let (pairs, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(FrameError::Short);
    }
    let number = |four: &[u8]| u32::from_le_bytes(four.try_into().expect("four bytes"));
    Ok(pairs
        .iter()
        .map(|pair| Attainment {
            score: number(&pair[..4]),
            bar: number(&pair[4..]),
        })
        .collect())
}

/// `id digest` to the line, scorers first, an empty line, lists: what a constitution names.
fn description() -> String {
    let line = |id: &str, text: &str| format!("{id} {}\n", hex(&Sha256::digest(text.as_bytes())));
    let scorers: String = scorers()
        .iter()
        .map(|one| line(one.id, one.parameters))
        .collect();
    let lists: String = lists().iter().map(|one| line(one.id, one.text)).collect();
    format!("{scorers}\n{lists}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn accept_numbers(answer: &mut Writer, numbers: &[u32]) {
    answer.accept();
    for number in numbers {
        answer.number(*number);
    }
}
