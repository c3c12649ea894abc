import { z } from '@hono/zod-openapi';
import { completionFacts, completionOf } from '../../domain/ports/script-completion.ts';
import type { EngineFrame } from '../../domain/runs/answer-engine.ts';
import type { Answer } from '../answer.ts';
import { emptyAnswer, jsonAnswer, slowAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { anyJson, givenId, jsonObject } from '../schema-parts.ts';

/** What Python nests before it raises `RecursionError`, and the frame around it. */
const depth_max = 1100;

const output = z
  .array(
    z.strictObject({
      kind: z.enum(['stdout', 'stderr']),
      text: z.string(),
      at: z
        .number()
        .int()
        .min(0)
        .max(2 ** 48),
    }),
  )
  .max(4096)
  .default([]);

const start = z.strictObject({
  kind: z.literal('start'),
  engine: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, 'expected 16 to 64 characters `A-Z a-z 0-9 _ -`'),
  output,
});

/** Method and arguments are judged where those of every sandbox are: a script is told what is wrong with them. */
const call = z.strictObject({
  kind: z.literal('call'),
  seq: z.number().int().min(1),
  method: z.string(),
  args: jsonObject,
  output,
});

const watch = z.strictObject({ kind: z.literal('watch'), output });

const completion = z.strictObject({
  kind: z.literal('completion'),
  completion: completionFacts.extend({ result: anyJson, stdout: z.string(), stderr: z.string() }),
  output,
});

/** `shared/schemas/run-script.json` says the same to whoever writes an engine. */
export const frameBody = z.discriminatedUnion('kind', [start, call, watch, completion]);

/** The way back of runs that another machine executes. Their token is all that counts; no API key works here. */
export const frameEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/internal/runs/{id}/frames',
    summary: 'What the engine of a run asks and tells',
    access: 'run-token',
    params: z.object({ id: givenId }),
    body: { class: 'frames', schema: frameBody, plain_depth_max: depth_max },
    answers: {
      200: { description: 'the start, a reply frame, or whether the run is cancelled', schema: jsonObject },
      204: { description: 'the completion is taken in' },
    },
    handle: async ({ services, params: { id }, body, bearer }): Promise<Answer> => {
      const pieces = body.output.map(({ kind, text, at }) => ({ kind, text: text.toWellFormed(), at }));
      const answer = await services.runs.answerEngine({
        run_id: id,
        token: bearer,
        frame: frameOf(body),
        output: pieces,
      });
      switch (answer.kind) {
        case 'start':
          return jsonAnswer(answer.start);
        case 'reply':
          return slowAnswer(answer.reply);
        case 'watch':
          return jsonAnswer({ cancelled: answer.cancelled });
        case 'done':
          return emptyAnswer();
        default:
          return answer satisfies never;
      }
    },
  }),
];

function frameOf({ output: _output, ...frame }: z.output<typeof frameBody>): EngineFrame {
  if (frame.kind !== 'completion') return frame;
  const { result, stdout, stderr, ...facts } = frame.completion;
  return { kind: 'completion', completion: completionOf(facts, { result: result ?? null, stdout, stderr }) };
}
