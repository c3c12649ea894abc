//! Gate scorers over frames: no state, nothing refused. A text is any bytes.

use ::gates::{
    Attainment, Context, Features, Injections, Late, Leaks, Pace, citations, excellence, ground,
    inject, inject_2, leak, leak_2, lists, scan, scorers, snr,
};
use sha2::{Digest, Sha256};

use crate::FrameError;
use crate::frame::{Reader, Writer};

/// What can be asked of the scorers; the numbers cross the language border and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the port's methods have the same names")]
pub enum GateOperation {
    FindCitations = 23,
    ScoreGround = 24,
    ScoreExcellence = 25,
    DescribeScorers = 26,
    ScanLeaks = 27,
    ScoreText = 28,
}

impl GateOperation {
    const ALL: [Self; 6] = [
        Self::FindCitations,
        Self::ScoreGround,
        Self::ScoreExcellence,
        Self::DescribeScorers,
        Self::ScanLeaks,
        Self::ScoreText,
    ];

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u32 == number)
    }

    /// One outcome for each item. Deadlines count from now.
    pub(crate) fn answer(self, request: &[u8], clock: Clock) -> Result<Vec<u8>, FrameError> {
        let began_ms = clock();
        let mut request = Reader::new(request);
        let count = request.count()?;
        let mut answer = Writer::new(count, 0);
        for _ in 0..count {
            match self {
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
                Self::ScanLeaks | Self::ScoreText => {
                    let (kind, within_ms) = (request.number()?, request.number()?);
                    let is_over = || clock() - began_ms >= f64::from(within_ms);
                    let mut pace = if within_ms == UNLIMITED {
                        Pace::unlimited()
                    } else {
                        Pace::until(&is_over)
                    };
                    if self == Self::ScoreText {
                        score_text(kind, request.bytes()?, &mut pace, &mut answer)?;
                    } else {
                        scan_leaks(kind, &mut request, &mut pace, &mut answer)?;
                    }
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

/// Milliseconds since any moment; never goes back.
pub type Clock = fn() -> f64;

/// Stands for a text without a deadline.
const UNLIMITED: u32 = u32::MAX;

/// 1, context, bytes that stay open, and the hits; or 0 where time was over.
fn scan_leaks(
    context: u32,
    request: &mut Reader<'_>,
    pace: &mut Pace<'_>,
    answer: &mut Writer,
) -> Result<(), FrameError> {
    let context = Context::from_u32(context).ok_or(FrameError::Context(context))?;
    let (is_last, text) = (request.number()? != 0, request.bytes()?);
    let Ok(found) = scan(text, context, is_last, pace) else {
        accept_numbers(answer, &[0]);
        return Ok(());
    };
    let Leaks { cards, ibans, keys } = found.leaks;
    let held = (text.len() - found.released) as u32;
    let context = found.context as u32;
    accept_numbers(answer, &[1, context, held, cards, ibans, keys]);
    Ok(())
}

/// 1 and what the scorer says, or 0 where time was over.
fn score_text(
    scorer: u32,
    text: &[u8],
    pace: &mut Pace<'_>,
    answer: &mut Writer,
) -> Result<(), FrameError> {
    let scored = match scorer {
        1 => score_snr(text, pace, answer),
        2 => leak(text, pace).map(|leaks| accept_leaks(leaks, answer)),
        3 => inject(text, pace).map(|hits| accept_injections(hits, answer)),
        4 => leak_2(text, pace).map(|leaks| accept_leaks(leaks, answer)),
        5 => inject_2(text, pace).map(|hits| accept_injections(hits, answer)),
        _ => return Err(FrameError::Scorer(scorer)),
    };
    if scored.is_err() {
        accept_numbers(answer, &[0]);
    }
    Ok(())
}

fn accept_leaks(leaks: Leaks, answer: &mut Writer) {
    let Leaks { cards, ibans, keys } = leaks;
    accept_numbers(answer, &[1, leaks.score(), cards, ibans, keys]);
}

fn accept_injections(hits: Injections, answer: &mut Writer) {
    let Injections {
        overrides,
        hidden,
        links,
        runs,
    } = hits;
    accept_numbers(answer, &[1, hits.score(), overrides, hidden, links, runs]);
}

/// 1, then score, word of the lowest prefix, words read, the six features and the language; or 0 and why not.
fn score_snr(text: &[u8], pace: &mut Pace<'_>, answer: &mut Writer) -> Result<(), Late> {
    match snr(text, pace)? {
        Ok(scored) => {
            let Features {
                repeat,
                copies,
                density,
                form,
                function,
                clean,
            } = scored.features;
            accept_numbers(answer, &[1, 1, scored.score, scored.at_word, scored.words]);
            for feature in [repeat, copies, density, form, function, clean] {
                answer.number(feature);
            }
            answer.bytes(scored.language.as_bytes());
        }
        Err(unscored) => {
            accept_numbers(answer, &[1, 0]);
            answer.bytes(unscored.name().as_bytes());
        }
    }
    Ok(())
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
