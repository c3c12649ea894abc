/**
 * The distinct content words of a sentence, lower case: letters and digits, at least three of them or a number,
 * English and Portuguese function words left out. Words are cut to 64 characters.
 */
export function termsOf(sentence: string): ReadonlySet<string> {
  const terms = new Set<string>();
  for (const match of sentence.toLowerCase().matchAll(word)) {
    const term = match[0];
    if (!functionWords.has(term) && (term.length > 2 || /^\d/.test(term))) terms.add(term);
  }
  return terms;
}

const word = /[\p{L}\p{N}]{1,64}/gu;

const functionWords = new Set(
  `the and for are was were with that this from have has had not but they you your its can will would there their what
  which who whom whose when where why how does did doing been being than then them these those into about over under
  our out all any some such only also just more most very may might must shall should could per via upon each
  que com para por uma uns umas dos das nos nas aos não mais mas como foi são ser está estão tem têm seu sua seus suas
  ele ela eles elas isso este esta estes estas esse essa pelo pela qual quais quando onde quem porque sobre entre
  também muito sem até depois antes já num numa`.split(/\s+/),
);
