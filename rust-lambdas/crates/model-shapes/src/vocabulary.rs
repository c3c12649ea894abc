//! A WordPiece vocabulary: special tokens, single characters, then words of two letters, of three, of four.

/// The special token that every text begins with.
pub const CLS: u32 = 2;
/// The one that it ends with.
pub const SEP: u32 = 3;

/// Id = place in the list, which has `count` entries.
pub fn entries(count: usize) -> Vec<String> {
    let letters = || 'a'..='z';
    let singles = || letters().chain('0'..='9');
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
    let longer = |words: Vec<String>| -> Vec<String> {
        words
            .iter()
            .flat_map(|word| letters().map(move |last| format!("{word}{last}")))
            .collect()
    };
    let pairs = longer(letters().map(String::from).collect());
    let triples = longer(pairs.clone());
    let words = pairs.into_iter().chain(triples.clone());
    let quadruples = triples
        .into_iter()
        .flat_map(|word| letters().map(move |last| format!("{word}{last}")));
    let all = special
        .into_iter()
        .chain(singles().map(String::from))
        .chain(singles().map(|c| format!("##{c}")));
    all.chain(words).chain(quadruples).take(count).collect()
}

/// `tokenizer.json` of that vocabulary, with a truncation that no engine should heed.
pub fn tokenizer_json(count: usize) -> String {
    let vocab = entries(count)
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
