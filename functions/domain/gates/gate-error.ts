import { SignetError } from '../errors.ts';
import { rejectRecord } from '../reject-codes.ts';

/** What the caller is told of a gate that refused, or that did not come to an end. */
export function gateError(reason: string, cause?: unknown): SignetError {
  const options = cause === undefined ? {} : { cause };
  if (reason === 'gate.deadline') {
    return new SignetError({ code: 'gate_deadline', reason, detail: 'the gates used up their time' }, options);
  }
  if (reason === 'gate.unavailable') {
    const detail = 'a gate of this chain cannot be asked here';
    return new SignetError({ code: 'gate_unavailable', reason, detail }, options);
  }
  if (rejectRecord(reason)?.http === 413) {
    return new SignetError({ code: 'too_large', reason, detail: 'there is more text than the gates take' }, options);
  }
  return new SignetError({ code: 'gate_refused', reason, detail: details[reason] ?? `a gate refused: \`${reason}\`` });
}

const details: { readonly [reason: string]: string } = {
  'gate.leak': 'the text holds what looks like a card number, an account number or a secret key',
  'gate.injection': 'the text holds what tries to give a model instructions behind its reader’s back',
  'gate.excellence': 'the gates together stay below what the constitution asks for',
};
