import { expect, test } from '@jest/globals';
import { isOwnAddress } from './own-address.ts';

test.each([
  'http://127.0.0.1:9001/v1',
  'http://127.1/v1',
  'http://0x7f.0.0.1/v1',
  'http://2130706433/v1',
  'http://0.0.0.0/v1',
  'http://localhost:11434/v1',
  'http://LOCALHOST./v1',
  'http://models.localhost/v1',
  'http://169.254.169.254/latest',
  'http://169.254.170.2/v2/credentials',
  'http://[::1]:8000/v1',
  'http://[::]/v1',
  'http://[::ffff:127.0.0.1]/v1',
  'http://[::ffff:a9fe:a9fe]/v1',
  'http://[fe80::1]/v1',
  'http://[fd00:ec2::254]/latest',
  'http://instance-data/latest',
])('%s is our own', (url) => expect(isOwnAddress(url)).toBe(true));

test.each([
  'https://api.openai.com/v1',
  'http://10.0.0.7:8000/v1',
  'https://128.0.0.1/v1',
  'https://[2001:db8::1]/v1',
  'https://localhost.example/v1',
  'https://127.0.0.1.example/v1',
])('%s is elsewhere', (url) => expect(isOwnAddress(url)).toBe(false));
