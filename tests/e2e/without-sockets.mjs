// Preloaded into a process that must not open a socket: any attempt ends it.
import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';

const forbid = (name) => () => {
  process.stderr.write(`opened a socket: ${name}\n`);
  process.exit(99);
};
net.Socket.prototype.connect = forbid('net.connect');
net.Server.prototype.listen = forbid('net.listen');
dgram.createSocket = forbid('dgram');
dns.lookup = forbid('dns.lookup');
globalThis.fetch = forbid('fetch');
