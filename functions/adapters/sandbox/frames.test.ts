import { expect, test } from '@jest/globals';
import { BrokenFrameError, encodeFrame, FrameReader, readText, type SandboxFrame } from './frames.ts';
import { readCompletion } from './read-completion.ts';

const completion = {
  kind: 'completion',
  run_id: 'r',
  state: 'succeeded',
  exit_code: 0,
  result_type: 'int',
  stdout_truncated: false,
  stderr_truncated: false,
  usage: { wall_ms: 1, cpu_ms: 1, memory_bytes: 1, host_calls: 0, stdout_bytes: 2, stderr_bytes: 0 },
  timings: { instantiate_ms: 1, run_ms: 1 },
  image: 'i',
  parts: [2, 2, 0],
};

function reading(): { frames: SandboxFrame[]; reader: FrameReader } {
  const frames: SandboxFrame[] = [];
  return { frames, reader: new FrameReader((frame) => frames.push(frame)) };
}

test('frames come out whole, however the bytes arrive', () => {
  const { frames, reader } = reading();
  const bytes = Buffer.concat([
    encodeFrame({ kind: 'a' }, Buffer.from('xyz')),
    encodeFrame({ kind: 'b' }, Buffer.alloc(0)),
    encodeFrame({ kind: 'c' }, Buffer.from('é')),
  ]);
  for (const byte of bytes) reader.push(Buffer.from([byte]));
  reader.push(bytes);
  expect(frames.map(({ header, binary }) => [header['kind'], binary.toString()])).toEqual([
    ['a', 'xyz'],
    ['b', ''],
    ['c', 'é'],
    ['a', 'xyz'],
    ['b', ''],
    ['c', 'é'],
  ]);
});

test.each([
  ['a header that is too long', Buffer.from([0, 0, 0, 255, 0, 0, 0, 0])],
  ['a binary part that is too long', Buffer.from([0, 0, 0, 0, 0, 0, 0, 255])],
  ['a header that is no JSON', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0x7b])],
  ['a header that is no object', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0x31])],
  ['a header that is not UTF-8', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0xff])],
])('%s is refused', (_name, bytes) => {
  expect(() => reading().reader.push(bytes)).toThrow(BrokenFrameError);
});

test('text is UTF-8 or refused', () => {
  expect(readText(Buffer.from('é'))).toBe('é');
  expect(() => readText(Buffer.from([0xc3]))).toThrow(BrokenFrameError);
});

test('a completion is read into its parts', () => {
  expect(readCompletion({ header: completion, binary: Buffer.from('42hi') })).toMatchObject({
    state: 'succeeded',
    result: 42,
    stdout: 'hi',
    stderr: '',
  });
});

test.each([
  ['parts that do not add up', { parts: [2, 3, 0] }],
  ['a result that is no JSON', { parts: [4, 0, 0] }],
  ['an unknown state', { state: 'running' }],
  ['an exit code that is none', { exit_code: 256 }],
  ['an unknown member', { more: 1 }],
  ['a negative time', { timings: { instantiate_ms: -1, run_ms: 1 } }],
])('a completion with %s is refused', (_name, change) => {
  const frame = { header: { ...completion, ...change }, binary: Buffer.from('42hi') };
  expect(() => readCompletion(frame)).toThrow(BrokenFrameError);
});
