// node client.mjs FILE… prints what the daemon says of each file.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const daemon = spawn(process.execPath, ['dist/cli.js', 'serve', '--stdio'], {
  stdio: ['pipe', 'pipe', 'inherit'],
});

function send(message) {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  daemon.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function receive({ id, result, error }) {
  if (error) throw new Error(error.message);
  if (id === 1) {
    send({ method: 'initialized', params: {} });
    const files = process.argv.slice(2).map((file) => resolve(file));
    send({ id: 2, method: 'deepfake/classify', params: { files } });
  } else if (id === 2) {
    for (const { file, verdict, error } of result.results)
      console.log(file, verdict?.decision ?? error.message);
    send({ id: 3, method: 'shutdown' });
  } else if (id === 3) send({ method: 'exit' });
}

let received = Buffer.alloc(0);
daemon.stdout.on('data', (chunk) => {
  received = Buffer.concat([received, chunk]);
  for (;;) {
    const head = received.indexOf('\r\n\r\n');
    const length = Number(/Content-Length: (\d+)/.exec(received.subarray(0, Math.max(head, 0)))?.[1]);
    if (head < 0 || received.length < head + 4 + length) return;
    const body = received.subarray(head + 4, head + 4 + length);
    received = received.subarray(head + 4 + length);
    receive(JSON.parse(body));
  }
});
send({ id: 1, method: 'initialize', params: { processId: process.pid, rootUri: null, capabilities: {} } });
