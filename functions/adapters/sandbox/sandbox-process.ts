import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { JsonObject } from '../../domain/json.ts';
import {
  completionWithout,
  InterpreterCrashError,
  type AnswerCall,
  type CallFrame,
  type ReplyFrame,
  type ScriptCompletion,
  type ScriptEvent,
  type ScriptStart,
} from '../../domain/ports/script-host.ts';
import { BrokenFrameError, encodeFrame, FrameReader, readJson, readText, type SandboxFrame } from './frames.ts';
import { readCompletion } from './read-completion.ts';

export interface SandboxLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface SandboxProcessOptions {
  readonly executable_path: string;
  readonly image_path: string;
  readonly image_sha256: string;
  readonly answerCall: AnswerCall;
  readonly log?: SandboxLog | undefined;
  /** What the process says of itself, once. */
  readonly onHello: (hello: JsonObject) => void;
  /** The process is gone, for whatever reason; called once. */
  readonly onExit: () => void;
}

/**
 * Past its wall limit a run has this long to say so itself. Its process does within a tick of 1 ms; but 32 runs share its
 * thread and a laptop may be busy, and a kill costs the other runs of the process their work.
 */
const silence_ms = 1_000;
/** Loading 48 MB of code from a cold disk, on a busy machine. */
const hello_ms = 30_000;
const stderr_bytes_max = 4_096;

/** One `signet-sandbox`, for one tenant: frames in and out, and its end. */
export class SandboxProcess {
  private readonly options: SandboxProcessOptions;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly runs = new Map<string, LiveRun>();
  private readonly helloTimer: NodeJS.Timeout;
  private has_greeted = false;
  private is_gone = false;
  private stderr_bytes = 0;

  constructor(options: SandboxProcessOptions) {
    this.options = options;
    this.child = spawn(options.executable_path, [options.image_path, options.image_sha256], {
      env: {},
      stdio: 'pipe',
      detached: false,
      windowsHide: true,
    });
    this.helloTimer = setTimeout(() => this.kill('it did not start in time'), hello_ms);
    this.helloTimer.unref();
    const reader = new FrameReader((frame) => this.take(frame));
    this.child.stdout.on('data', (chunk: Buffer) => this.guarded(() => reader.push(chunk)));
    this.child.stderr.on('data', (chunk: Buffer) => this.noteComplaint(chunk));
    this.child.stdin.on('error', () => undefined); // the exit that follows says it
    this.child.once('error', (error) => this.end(`it cannot be started: ${error.message}`));
    this.child.once('close', (code, signal) => this.end(`it ended with ${signal ?? `code ${code}`}`));
  }

  get running(): number {
    return this.runs.size;
  }

  start(run: ScriptStart, onEvent: (event: ScriptEvent) => void): Promise<ScriptCompletion> {
    if (this.is_gone) return Promise.reject(new InterpreterCrashError('the sandbox process is gone'));
    const { promise, resolve, reject } = Promise.withResolvers<ScriptCompletion>();
    const live: LiveRun = { run, onEvent, resolve, reject, seq: 0, started_at: performance.now() };
    this.runs.set(run.run_id, live);
    if (this.has_greeted) this.watch(live);
    const { script, tenant: _tenant, ...header } = run;
    this.send({ kind: 'start', ...header }, Buffer.from(script, 'utf8'));
    return promise;
  }

  cancel(run_id: string): void {
    if (this.runs.has(run_id)) this.send({ kind: 'cancel', run_id }, nothing);
  }

  /** Lets the process end by itself once its input has ended, or soon after by force. */
  async close(): Promise<void> {
    if (this.is_gone) return;
    const gone = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin.end();
    const force = setTimeout(() => this.child.kill('SIGKILL'), 500);
    await gone;
    clearTimeout(force);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  private take(frame: SandboxFrame): void {
    const { header } = frame;
    if (header['kind'] === 'hello') {
      this.greet(header as JsonObject);
      return;
    }
    const live = this.runs.get(String(header['run_id']));
    if (live === undefined) throw new BrokenFrameError('a frame of a run that is not there');
    switch (header['kind']) {
      case 'stdout':
      case 'stderr':
        live.onEvent({ kind: header['kind'], text: readText(frame.binary) });
        return;
      case 'call':
        this.answer(live, frame);
        return;
      case 'completion':
        this.complete(live, readCompletion(frame));
        return;
      default:
        throw new BrokenFrameError('a frame of an unknown kind');
    }
  }

  private greet(hello: JsonObject): void {
    if (this.has_greeted) throw new BrokenFrameError('a second greeting');
    if (hello['protocol'] !== 1) throw new BrokenFrameError('another protocol');
    this.has_greeted = true;
    clearTimeout(this.helloTimer);
    this.options.onHello(hello);
    for (const live of this.runs.values()) this.watch(live);
  }

  private answer(live: LiveRun, { header, binary }: SandboxFrame): void {
    const { token, seq, method } = header;
    if (token !== live.run.token) throw new BrokenFrameError('a call with another token');
    if (seq !== live.seq + 1) throw new BrokenFrameError('a call out of sequence');
    if (typeof method !== 'string') throw new BrokenFrameError('a call without a method');
    const args = readJson(binary);
    if (typeof args !== 'object' || args === null || Array.isArray(args)) {
      throw new BrokenFrameError('arguments that are not an object');
    }
    live.seq = seq;
    void this.reply(live, { run_id: live.run.run_id, token: live.run.token, seq, method, args: args as JsonObject });
  }

  private async reply(live: LiveRun, frame: CallFrame): Promise<void> {
    const { run_id, seq, method } = frame;
    const reply = await this.options.answerCall(frame).catch((error: unknown) => {
      this.options.log?.error({ run_id, seq, method, err: error }, 'a host call failed');
      return failed;
    });
    if (this.runs.get(run_id) === live) this.send({ kind: 'reply', run_id, seq }, encodeReply(reply));
  }

  private complete(live: LiveRun, completion: ScriptCompletion): void {
    this.forget(live);
    live.resolve(completion);
  }

  private watch(live: LiveRun): void {
    live.timer = setTimeout(() => {
      // The run itself had its time; the others of the process are lost and may be tried again.
      this.forget(live);
      live.resolve(this.overdue(live));
      this.kill(`run ${live.run.run_id} was silent past its deadline`);
    }, live.run.limits.wall_ms + silence_ms);
    live.timer.unref();
  }

  private overdue({ run, seq, started_at }: LiveRun): ScriptCompletion {
    const wall_ms = performance.now() - started_at;
    const message = `wall time of ${run.limits.wall_ms} ms is used up`;
    const error = { type: 'TimeLimit', message };
    const nothing = completionWithout({ state: 'timed_out', exit_code: 3, error });
    return { ...nothing, image: this.options.image_sha256, usage: { ...nothing.usage, wall_ms, host_calls: seq } };
  }

  private forget(live: LiveRun): void {
    clearTimeout(live.timer);
    this.runs.delete(live.run.run_id);
  }

  private send(header: object, binary: Uint8Array): void {
    if (!this.is_gone) this.child.stdin.write(encodeFrame(header, binary));
  }

  private guarded(work: () => void): void {
    if (this.is_gone) return;
    try {
      work();
    } catch (error) {
      this.kill(error instanceof BrokenFrameError ? `it sent ${error.message}` : 'its frame could not be handled');
      if (!(error instanceof BrokenFrameError)) this.options.log?.error({ err: error }, 'a sandbox frame failed');
    }
  }

  private kill(reason: string): void {
    this.child.kill('SIGKILL');
    this.end(reason);
  }

  private end(reason: string): void {
    if (this.is_gone) return;
    this.is_gone = true;
    clearTimeout(this.helloTimer);
    const lost = [...this.runs.values()];
    if (lost.length > 0 || !this.has_greeted) {
      this.options.log?.warn({ reason, runs: lost.map(({ run }) => run.run_id) }, 'a sandbox process was lost');
    }
    for (const live of lost) {
      this.forget(live);
      live.reject(new InterpreterCrashError(`the sandbox process was lost: ${reason}`));
    }
    this.options.onExit();
  }

  /** Only the process itself writes here: scripts' output comes in frames. */
  private noteComplaint(chunk: Buffer): void {
    if (this.stderr_bytes >= stderr_bytes_max) return;
    this.stderr_bytes += chunk.length;
    const text = chunk.subarray(0, stderr_bytes_max).toString('utf8').trim();
    this.options.log?.warn({ stderr: text }, 'the sandbox process complains');
  }
}

interface LiveRun {
  readonly run: ScriptStart;
  readonly onEvent: (event: ScriptEvent) => void;
  readonly resolve: (completion: ScriptCompletion) => void;
  readonly reject: (error: Error) => void;
  readonly started_at: number;
  seq: number;
  timer?: NodeJS.Timeout;
}

/** A completion of a run that was cancelled before it left anything. */
export function cancelledCompletion(image: string): ScriptCompletion {
  const error = { type: 'Cancelled', message: 'the run was cancelled' };
  return { ...completionWithout({ state: 'cancelled', exit_code: 130, error }), image };
}

const nothing = new Uint8Array();

const failed: ReplyFrame = {
  kind: 'error',
  error: { type: 'HyperCoreError', code: 'internal', message: 'an error of ours', retryable: true, facts: {} },
};

function encodeReply(reply: ReplyFrame): Buffer {
  const bytes = Buffer.from(JSON.stringify(reply), 'utf8');
  if (bytes.length <= limits.runs.frame_bytes_max) return bytes;
  const message = `the answer has ${bytes.length} bytes, at most ${limits.runs.frame_bytes_max}`;
  const error = { type: 'LimitExceeded', code: 'too_large', message, retryable: false, facts: {} };
  return Buffer.from(JSON.stringify({ kind: 'error', error } satisfies ReplyFrame), 'utf8');
}
