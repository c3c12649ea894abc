// Conditions of sealing: each guard of the seven steps. What is left out because nothing changes without it: `ifAbsent` of the
// staging object, whose name says its bytes.
/** @type {import('./mutants.mjs').Family} */
export default {
  folder: 'functions/domain/ledger',
  tests: 'functions/domain/ledger/',
  conditions: {
    'make-sealer.ts': [
      ['1: held against what is published', 'await assertNotAhead(lock);', ''],
      ['1: a larger log is published', 'if (published.size > size) {', 'if (false) {'],
      ['1: another root is published', 'if (hex(published.root) !== root) {', 'if (false) {'],
      ['1: an unpublished commit comes first', "if (lock.staged !== '') return publish(lock);", ''],
      [
        '2: rows of sealed entries are removed',
        "for (const key of stale) await table.write({ kind: 'delete', key }, now());",
        '',
      ],
      ['2: nothing waits', "if (pending.length === 0) return { kind: 'idle' };", ''],
      ['2: the edge has the committed root', 'if (hex(grown.old_root) !== from_root) {', 'if (false) {'],
      ['2: the edge is there', 'if (tiles === undefined || bundle === undefined) return undefined;', ''],
      ['3: the loser publishes nothing', "committed === undefined ? { kind: 'superseded' } : ", ''],
      [
        '3: the loser’s staging is removed',
        'if ((await readLock(rows)).staged !== name) await objects.delete(name);',
        '',
      ],
      ['3: the winner’s is not', 'if ((await readLock(rows)).staged !== name) await', 'await'],
      ['4: files are written', 'for (const file of files) await store.add(file);', ''],
      ['4: staged entries give the committed root', 'grown.size !== lock.size || grown.root !== lock.root', 'false'],
      ['6: never over a larger one', 'if (published !== undefined && published.size >= size) return;', ''],
      [
        '6: only where there is none',
        'published === undefined ? { ifAbsent: true } :',
        'published === undefined ? {} :',
      ],
      ['6: only over what was read', '{ ifMatch: published.etag }', '{}'],
      ['6: until it is written', "if (put.kind === 'written') return;", 'return;'],
      ['7: each has its place', 'index: lock.from + offset', 'index: lock.from'],
      ['7: nothing waits that is sealed', ",\n          { kind: 'delete', key: { pk, sk } },", ''],
      ['7: marked as published', 'await markDone(rows, lock);', ''],
      ['7: what was staged is removed', 'await objects.delete(lock.staged);', ''],
      [
        'what is missing was finished by another',
        'if (current.version === version && current.staged === staged) throw',
        'throw',
      ],
      [
        'what is missing is lost',
        'if (current.version === version && current.staged === staged) throw',
        'if (false) throw',
      ],
    ],
    'lock-row.ts': [
      [
        '3: only over the version that was read',
        "before.version === 0 ? { kind: 'absent' } : { kind: 'versionIs', version: before.version }",
        "before.version === 0 ? { kind: 'absent' } : { kind: 'present' }",
      ],
      [
        '3: only where there is none',
        "before.version === 0 ? { kind: 'absent' } : ",
        "before.version === 0 ? { kind: 'versionIs', version: 0 } : ",
      ],
      ['3: whoever loses knows', "return written.kind === 'written' ? lock : undefined;", 'return lock;'],
      ['7: only of its own commit', "set: { staged: '' }, conditions }", "set: { staged: '' } }"],
    ],
    'drain-pending.ts': [
      ['no more entries than a round takes', 'rows.slice(0, entries_max)', 'rows'],
      ['no more bytes than a round takes', 'if (pending.length > 0 && bytes + entry.length > bytes_max) break;', ''],
      ['one entry however long', 'pending.length > 0 && ', ''],
      ['nothing that has its place', "if (typeof index?.['index'] === 'number') {", 'if (false) {'],
    ],
    'log-store.ts': [
      ['a checkpoint of ours', 'if (!checkpoint.ok) throw', 'if (false) throw'],
      [
        'every file',
        'return bodies.every((body) => body !== undefined) ? Buffer.concat(bodies) : undefined;',
        'return Buffer.concat(bodies.filter((body) => body !== undefined));',
      ],
      [
        'nobody overwrites a file',
        'await objects.put(logObject(path), bytes, { ifAbsent: true });',
        'await objects.put(logObject(path), bytes);',
      ],
      ['what is there must be the same', ' || Buffer.compare(there.body, bytes) === 0', ' || true'],
    ],
  },
};
