// Conditions of a witness, in the order of its request, and of asking one.
/** @type {import('./mutants.mjs').Family} */
export default {
  folder: 'functions/domain/witness',
  tests: 'functions/(domain/witness/(make-witness|make-cosigner|keep-cosignatures|witness-tables)|edge/witness)\\.test',
  conditions: {
    'make-witness.ts': [
      [
        '400: the form',
        "if (!request.ok)\n        return refused('malformed', request.code, 'expected `old <size>`, a proof, an empty line, a checkpoint');",
        '',
      ],
      ['404: the origin is known', 'if (vkeys === undefined) return', 'if (false) return'],
      ['404: there is a key', 'if (signer === undefined) return', 'if (false) return'],
      [
        '403: a known key signed',
        "if (!opened.ok) return refused('unsigned', opened.code, 'no known key of this log signed the checkpoint');",
        '',
      ],
      ['400: old is not above the new size', 'if (old > size) return', 'if (false) return'],
      ['400: sizes are told apart', 'if (!Number.isSafeInteger(size)) return', 'if (false) return'],
      ['409: old is ours', "if (head.size !== old) return { kind: 'elsewhere', size: head.size };", ''],
      ['409: the same root at the same size', 'size === head.size && root !== head.root', 'false'],
      ['the first contradiction is kept', 'await keepConflict(origin, checkpoint, head);', ''],
      ['and no later one', "conditions: [{ kind: 'absent' }]", 'conditions: []'],
      ['422: the proof holds', 'if (!proved.ok) {', 'if (false) {'],
      ['the head is updated before the signature', '!isRepeat && !(await commitHead(', 'false && !(await commitHead('],
      ['whoever lost the update begins anew', ' continue;', ';'],
      ['a repeat gets what it got', 'const isRepeat = size === head.size && ', 'const isRepeat = false && '],
      ['a repeat is of this size', 'const isRepeat = size === head.size && ', 'const isRepeat = '],
      ['a repeat is young', 'seconds(now()) - head.time < repeat_s', 'true'],
      ['time never goes back', 'Math.max(seconds(now()), head.time)', 'seconds(now())'],
    ],
    'witness-head.ts': [
      [
        'one update of a head that was read',
        "({ kind: 'versionIs', version: before.version } as const)",
        "({ kind: 'exists' } as const)",
      ],
      ['one first update', "({ kind: 'absent' } as const)", "({ kind: 'equals', field: 'none', value: 1 } as const)"],
      ['a refused update is none', "return written.kind === 'written';", 'return true;'],
    ],
    'witness-identity.ts': [
      ['a key that is gone is not made anew', "if (typeof named === 'string') {", 'if (false) {'],
      ['one key has one name', 'held.find(({ key_id }) => !taken.has(key_id))', 'held[0]'],
      ['a name has one key', "conditions: [{ kind: 'absent' }]", 'conditions: []'],
    ],
    'ask-witness.ts': [
      [
        'a line by its key alone',
        'linesOf(body).filter((line) => key !== undefined && isLineOf(line, key))',
        'linesOf(body)',
      ],
      ['one line', 'line === undefined || own.length > 1', 'line === undefined'],
      ['the cosignature holds', 'opened.ok ? {', 'true ? {'],
      ['a size is of its type', "type === 'text/x.tlog.size' && ", ''],
      ['another size than the one that was sent', 'known === undefined || known === from', 'known === undefined'],
      ['no larger than what is published', 'if (known > checkpoint.size) {', 'if (false) {'],
      ['twice at most', 'attempt < 2', 'attempt < 20'],
    ],
    'keep-cosignatures.ts': [
      [
        'the published checkpoint is that of the cosignature',
        'there !== undefined && isSame(there) ? merged(there.note) : undefined',
        'merged(checkpoint.note)',
      ],
      ['the same tree, not only its size', ' && Buffer.compare(root, checkpoint.root) === 0', ''],
      ['never over a larger one', 'if (there.size >= checkpoint.size) return false;', ''],
      ['more vouch for it, or it is late', 'cosignaturesIn(note).length >= before.length || ', 'true || '],
      ['it does not wait for ever', ' || Math.abs(now() / 1000 - newest) > wait_s', ''],
      ['only over what was read', '{ ifMatch: there.etag }', '{}'],
    ],
    'make-cosigner.ts': [
      [
        'a witness that was away is left alone',
        'if (before === undefined || isLeftAlone(before, now())) return [];',
        'if (before === undefined) return [];',
      ],
      ['a process asks once when it begins', '!asked_here.has(witness.vkey) || ', ''],
      ['a log that rests is asked for again', ' || Math.abs(now_ms / 1000 - last_cosigned) >= fresh_s', ''],
      ['a clock that went back silences nobody', ' && next_at - now_ms <= wait_ms_max', ''],
    ],
  },
};
