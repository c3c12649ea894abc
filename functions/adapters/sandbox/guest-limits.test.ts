import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };

const guest = join(import.meta.dirname, '..', '..', '..', 'layers', 'script-image', 'guest');

/** Python of the interpreter cannot read the repository's JSON: what it knows of the limits stands there as constants. */
test.each([
  ['interpreter.py', 'RECURSION_MAX', [limits.runs.recursion_max]],
  ['interpreter.py', 'RESULT_BYTES_MAX', [limits.runs.result_bytes_max]],
  ['hyper_core/_channel.py', 'FRAME_BYTES_MAX', [limits.runs.frame_bytes]],
  ['hyper_core/_tools.py', 'TOOLS_MAX', [limits.runs.tools_max]],
  ['hyper_core/_tools.py', 'SCHEMA_BYTES_MAX', [limits.runs.tool_schema_bytes_max]],
  [
    'hyper_core/_tools.py',
    'TIMEOUT_S_MIN, TIMEOUT_S_MAX',
    [limits.runs.script_tool_ms_min / 1000, limits.runs.script_tool_ms_max / 1000],
  ],
  ['hyper_core/_tools.py', '_timeout_s', [limits.runs.script_tool_ms / 1000]],
])('%s: %s is what shared/limits.json says', (file, name, expected) => {
  const line = readFileSync(join(guest, file), 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name} = `));
  const value = line?.slice(name.length + 3).split('#')[0] ?? '';
  expect(value.split(',').map((number) => Number(number.trim().replaceAll('_', '')))).toEqual(expected);
});
