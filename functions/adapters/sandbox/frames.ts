/**
 * Frames on the pipes of a sandbox process: `u32 header length, u32 binary length` (little-endian), a JSON header, bytes.
 * Rust holds the other end in `rust-lambdas/crates/sandbox/src/frames.rs`.
 */
export interface SandboxFrame {
  readonly header: { readonly [name: string]: unknown };
  readonly binary: Buffer;
}

/** The process wrote what none of ours writes. It is not spoken to again. */
export class BrokenFrameError extends Error {
  override readonly name = 'BrokenFrameError';
}

export const header_bytes_max = 65_536;
/** A completion: result, stdout, stderr at their most, each as UTF-8. */
export const binary_bytes_max = 4 * 1_048_576;

export function encodeFrame(header: object, binary: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const frame = Buffer.allocUnsafe(8 + text.length + binary.length);
  frame.writeUInt32LE(text.length, 0);
  frame.writeUInt32LE(binary.length, 4);
  text.copy(frame, 8);
  frame.set(binary, 8 + text.length);
  return frame;
}

/** Cuts a byte stream into frames; `push` throws {@link BrokenFrameError} as soon as a length or a header is wrong. */
export class FrameReader {
  private readonly onFrame: (frame: SandboxFrame) => void;
  private chunks: Buffer[] = [];
  private bytes = 0;
  private needs = 8;

  constructor(onFrame: (frame: SandboxFrame) => void) {
    this.onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    while (this.bytes >= this.needs) {
      const all =
        this.chunks.length === 1 && this.chunks[0] !== undefined ? this.chunks[0] : Buffer.concat(this.chunks);
      const header_bytes = all.readUInt32LE(0);
      const binary_bytes = all.readUInt32LE(4);
      if (header_bytes > header_bytes_max || binary_bytes > binary_bytes_max) {
        throw new BrokenFrameError(`a frame of ${header_bytes} + ${binary_bytes} bytes`);
      }
      const end = 8 + header_bytes + binary_bytes;
      if (all.length < end) {
        this.chunks = [all];
        this.needs = end;
        return;
      }
      const header = readHeader(all.subarray(8, 8 + header_bytes));
      const rest = all.subarray(end);
      this.chunks = rest.length === 0 ? [] : [rest];
      this.bytes = rest.length;
      this.needs = 8;
      this.onFrame({ header, binary: all.subarray(8 + header_bytes, end) });
    }
  }
}

/** UTF-8, strictly. */
export function readText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new BrokenFrameError('text that is not UTF-8', { cause });
  }
}

export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(readText(bytes));
  } catch (cause) {
    throw new BrokenFrameError('JSON that cannot be read', { cause });
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readHeader(bytes: Buffer): SandboxFrame['header'] {
  const header = readJson(bytes);
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new BrokenFrameError('a header that is not an object');
  }
  return header as SandboxFrame['header'];
}
