//! A WordPiece vocabulary of 512 entries: special tokens, single characters, and two-letter words.

use super::VOCABULARY;

pub const CLS: u32 = 2;
pub const SEP: u32 = 3;

/// Id = place in the list.
pub fn entries() -> Vec<String> {
    let letters = || 'a'..='z';
    let singles = || letters().chain('0'..='9');
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
    let pairs = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
    let all = special
        .into_iter()
        .chain(singles().map(String::from))
        .chain(singles().map(|c| format!("##{c}")));
    all.chain(pairs).take(VOCABULARY).collect()
}

pub fn tokenizer_json() -> String {
    let vocab = entries()
        .iter()
        .enumerate()
        .map(|(id, entry)| format!("\"{entry}\":{id}"))
        .collect::<Vec<_>>();
    let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].iter().enumerate().map(|(id, content)| {
        format!(
            "{{\"id\":{id},\"content\":\"{content}\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\
             \"normalized\":false,\"special\":true}}"
        )
    });
    let special = |name: &str, id: u32| {
        format!("\"{name}\":{{\"id\":\"{name}\",\"ids\":[{id}],\"tokens\":[\"{name}\"]}}")
    };
    format!(
        "{{\"version\":\"1.0\",\"truncation\":{{\"direction\":\"Right\",\"max_length\":8,\"strategy\":\"LongestFirst\",\
         \"stride\":0}},\"padding\":null,\"added_tokens\":[{}],\
         \"normalizer\":{{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\
         \"strip_accents\":null,\"lowercase\":true}},\"pre_tokenizer\":{{\"type\":\"BertPreTokenizer\"}},\
         \"post_processor\":{{\"type\":\"TemplateProcessing\",\
         \"single\":[{{\"SpecialToken\":{{\"id\":\"[CLS]\",\"type_id\":0}}}},{{\"Sequence\":{{\"id\":\"A\",\"type_id\":0}}}},\
         {{\"SpecialToken\":{{\"id\":\"[SEP]\",\"type_id\":0}}}}],\"pair\":[{{\"Sequence\":{{\"id\":\"A\",\"type_id\":0}}}},\
         {{\"Sequence\":{{\"id\":\"B\",\"type_id\":1}}}}],\"special_tokens\":{{{},{}}}}},\"decoder\":null,\
         \"model\":{{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\",\
         \"max_input_chars_per_word\":100,\"vocab\":{{{}}}}}}}",
        added.collect::<Vec<_>>().join(","),
        special("[CLS]", CLS),
        special("[SEP]", SEP),
        vocab.join(",")
    )
}
