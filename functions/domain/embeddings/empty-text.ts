import { SignetError } from '../errors.ts';

/** A text without anything to embed: blank, or nothing is left of it after normalisation. */
export function emptyText(index: number): SignetError {
  return new SignetError({
    code: 'invalid_request',
    reason: 'empty_text',
    detail: `expected text in \`input[${index}]\`, got none`,
    param: `input[${index}]`,
  });
}
