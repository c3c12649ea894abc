#!/usr/bin/env node
// The fake upstream as a process of its own, for benchmarks: prints its base URL as one JSON line and serves until killed.
import { fakeUpstream } from './fake-upstream.ts';

const text = process.argv[2] ?? 'Hello from upstream.';
const { base_url } = await fakeUpstream({ reply: { text }, forget: true });
console.log(JSON.stringify({ base_url }));
