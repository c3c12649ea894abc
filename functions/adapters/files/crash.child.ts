/** Replaces one object until it is killed, and prints each number once it is acknowledged. Arguments: root, key. */
import { writeSync } from 'node:fs';
import { fileObjects } from './file-objects.ts';

const [root = '', key = ''] = process.argv.slice(2);
const objects = fileObjects({ root });
for (let number = 1; ; number += 1) {
  await objects.put(key, Buffer.from(`${String(number).padStart(15, '0')}\n`.repeat(4096)));
  writeSync(1, `${number}\n`);
}
