/// A version of a scorer and the text that says what it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scorer {
    /// Such as `snr/1`.
    pub id: &'static str,
    /// Canonical JSON and a line feed; a constitution names the SHA-256 of these bytes.
    pub parameters: &'static str,
}

/// A list that scorers read, as its file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// Such as `function-words.en`.
    pub id: &'static str,
    /// One or more words to the line.
    pub text: &'static str,
}

/// Every scorer of this build.
pub fn scorers() -> [Scorer; 7] {
    [
        Scorer {
            id: "snr/1",
            parameters: include_str!("../parameters/snr-1.json"),
        },
        Scorer {
            id: "leak/1",
            parameters: include_str!("../parameters/leak-1.json"),
        },
        Scorer {
            id: "leak/2",
            parameters: include_str!("../parameters/leak-2.json"),
        },
        Scorer {
            id: "inject/1",
            parameters: include_str!("../parameters/inject-1.json"),
        },
        Scorer {
            id: "inject/2",
            parameters: include_str!("../parameters/inject-2.json"),
        },
        Scorer {
            id: "ground/1",
            parameters: include_str!("../parameters/ground-1.json"),
        },
        Scorer {
            id: "excellence/1",
            parameters: include_str!("../parameters/excellence-1.json"),
        },
    ]
}

/// Every list of this build.
pub fn lists() -> [List; 15] {
    [
        List {
            id: "carrying-parameters",
            text: include_str!("../lists/carrying-parameters.txt"),
        },
        List {
            id: "function-words.de",
            text: include_str!("../lists/function-words.de.txt"),
        },
        List {
            id: "function-words.en",
            text: include_str!("../lists/function-words.en.txt"),
        },
        List {
            id: "function-words.es",
            text: include_str!("../lists/function-words.es.txt"),
        },
        List {
            id: "function-words.fr",
            text: include_str!("../lists/function-words.fr.txt"),
        },
        List {
            id: "function-words.it",
            text: include_str!("../lists/function-words.it.txt"),
        },
        List {
            id: "function-words.nl",
            text: include_str!("../lists/function-words.nl.txt"),
        },
        List {
            id: "function-words.pt",
            text: include_str!("../lists/function-words.pt.txt"),
        },
        List {
            id: "iban-lengths",
            text: include_str!("../lists/iban-lengths.txt"),
        },
        List {
            id: "image-parameters",
            text: include_str!("../lists/image-parameters.txt"),
        },
        List {
            id: "key-prefixes",
            text: include_str!("../lists/key-prefixes.txt"),
        },
        List {
            id: "near-words",
            text: include_str!("../lists/near-words.txt"),
        },
        List {
            id: "override-verbs",
            text: include_str!("../lists/override-verbs.txt"),
        },
        List {
            id: "phrase-words",
            text: include_str!("../lists/phrase-words.txt"),
        },
        List {
            id: "system-words",
            text: include_str!("../lists/system-words.txt"),
        },
    ]
}

#[cfg(test)]
mod tests;
