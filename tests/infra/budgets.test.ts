import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { artefactNames } from '../../infra/artefacts.ts';
import budgets from '../../infra/budgets.json' with { type: 'json' };
import { functionLanguages } from '../../infra/config.ts';
import { assertFits, unpacked_bytes_max } from '../../infra/constructs/folder-layer.ts';
import { assertBudget, sizesOf } from '../../scripts/budgets.mjs';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signet-budgets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('budgets', () => {
  const names = artefactNames({});
  const parts = [
    ...Object.entries(functionLanguages).map(([name, language]) =>
      language === 'typescript' ? `${names.functions}/${name}` : `${names.lambdas}/${name}`,
    ),
    names.onnxruntime,
    names.model,
    names.script_image,
  ];

  test('everything that is deployed has one, and nothing else', () => {
    expect(Object.keys(budgets.artefacts).sort()).toEqual(parts.sort());
  });

  test('a function and its layers stay below the 250 MB that Lambda takes', () => {
    const unpacked = (part: string) => Object(budgets.artefacts)[part].unpacked_bytes_max;
    const embed = unpacked('lambdas-arm64/embed-text') + unpacked('layer-onnxruntime-arm64') + unpacked('layer-model');
    const scripts = unpacked('lambdas-arm64/run-script') + unpacked('layer-script-image-arm64');
    expect(Math.max(embed, scripts)).toBeLessThan(unpacked_bytes_max);
  });

  test('a build that is larger than its budget fails and names both sizes', () => {
    const code = join(folder, 'large', 'sweep-due');
    for (const name of ['serve-api', 'advance-run', 'seal-ledger'])
      mkdirSync(join(folder, 'large', name), { recursive: true });
    mkdirSync(code);
    writeFileSync(join(code, 'index.mjs'), 'a');
    const build = () => assertBudget({ name: 'functions', folder: join(folder, 'large') });
    expect(build).not.toThrow();
    truncateSync(join(code, 'index.mjs'), 2_000_001);
    expect(build).toThrow('at most 2000000 unpacked_bytes of functions/sweep-due (infra/budgets.json), got 2000001');
  });

  test('an artefact that is not deployed has none', () => {
    expect(() => assertBudget({ name: 'native', folder: join(folder, 'absent') })).not.toThrow();
  });

  test('a zip is weighed to the byte', () => {
    const home = join(folder, 'zip');
    mkdirSync(home);
    writeFileSync(join(home, 'a'), '');
    // One empty file: deflated to two bytes, between a local header, a central one and the end of the archive.
    expect(sizesOf(home)).toEqual({ unpacked_bytes: 0, zip_bytes: 30 + 1 + 2 + 46 + 1 + 22 });
  });
});

describe('what Lambda does not take', () => {
  test('is refused when templates are made', () => {
    const code = join(folder, 'code');
    mkdirSync(code);
    writeFileSync(join(code, 'bootstrap'), '');
    truncateSync(join(code, 'bootstrap'), unpacked_bytes_max);
    const fits = () => assertFits({ name: 'embed-text', code, layers: [] });
    expect(fits).not.toThrow();
    writeFileSync(join(code, 'more'), 'x');
    expect(fits).toThrow(
      `\`embed-text\` and its layers to be at most ${unpacked_bytes_max} bytes unpacked, got 262144001`,
    );
  });
});
