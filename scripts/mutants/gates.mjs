// Conditions of the chain of gates and of what becomes of its verdict.
/** @type {import('./mutants.mjs').Family} */
export default {
  folder: 'functions/domain/gates',
  tests: 'functions/domain/gates/',
  conditions: {
    'run-chain.ts': [
      ['a chain of none refuses', "if (rules.length === 0) return { ran, code: 'gate.unavailable' };", ''],
      [
        'a gate that is not there refuses',
        'if (gate === undefined) {',
        'if (gate === undefined) continue;\n    if (false) {',
      ],
      [
        'a gate that came too late refuses',
        "if (outcome.kind === 'late' || spent_ms[gate.tier] > budgets_ms[gate.tier]) {",
        "if (outcome.kind === 'late') {",
      ],
      ['a gate that came to no end refuses', "outcome.kind === 'late' || ", ''],
      ['the budget is of the whole chain', 'spent_ms[gate.tier] += took_ms;', 'spent_ms[gate.tier] = took_ms;'],
      [
        'each tier has a budget of its own',
        'budgets_ms[gate.tier] - spent_ms[gate.tier]',
        'budgets_ms.expensive - spent_ms[gate.tier]',
      ],
      ['no budget, no run', "if (left_ms <= 0) return { kind: 'late' };", ''],
      ['a gate is told that its time is over', "deadline.abort(new Error('the budget of the gates is used up'));", ''],
      [
        'a gate that fails to answer refuses',
        "if (outcome.kind === 'threw') {",
        "if (outcome.kind === 'threw') continue;\n    if (false) {",
      ],
      ['a strict failure ends it', "entry.state === 'fail' && rule.enforcement === 'strict'", 'false'],
      ['strict ones alone', " && rule.enforcement === 'strict'", ''],
      ['at the bar is enough', 'score >= rule.bar', 'score > rule.bar'],
      ['below the bar is not', 'if (score >= rule.bar) return', 'if (true) return'],
    ],
    'compliance.ts': [
      ['something strict must be shown', 'counted.length > 0 && ', ''],
      ['all of it', 'counted.every(({ passed }) => passed)', 'counted.some(({ passed }) => passed)'],
      ['what nothing shows has failed', 'if (seen === undefined) return', 'if (false) return'],
      ['against the bars of now', ' && score >= threshold)', ')'],
      ['what failed then has failed', "state === 'pass' && score", 'score'],
    ],
    'envelope-gates.ts': [
      ['a check at fault is its gate’s', 'failed !== undefined && gateOf(failed) === id', 'false'],
      ['an envelope about this content', 'findings.is_about_content !== true', 'false'],
    ],
    'recompute-verdict.ts': [
      ['scorers of this build', 'if (stranger !== undefined) {', 'if (false) {'],
      ['a deadline is not repeated', "if (record['code'] === 'gate.deadline') {", 'if (false) {'],
      ['each gate', "if (!isSame(entry, again)) return { g: entry.g, outcome: 'differs' };", ''],
      ['excellence', "record['ihsan'] === weighed.ihsan && ", ''],
      ['the result', "record['result'] === result && ", ''],
      ['the code', " && record['code'] === weighed.code", ''],
      ['the content’s length', "if (g === 'G0' && facts['bytes'] !== bytes.length)", 'if (false)'],
    ],
  },
};
