import type { Objects } from '../ports/objects.ts';
import type { SegmentSource } from '../ports/segment-compute.ts';

/** Where the bytes of a segment are, by the key of its object; undefined where no such object is. */
export type FindSegment = (key: string) => Promise<SegmentSource | undefined>;

/** Reads the whole object into memory: for a store that gives no file to read from. */
export function segmentBytes(objects: Pick<Objects, 'get'>): FindSegment {
  return async (key) => {
    const object = await objects.get(key);
    return object === undefined ? undefined : { bytes: object.body };
  };
}
