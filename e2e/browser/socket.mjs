import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** A WebSocket server that says "hello" to everyone and listens no further (RFC 6455 section 4.2.2). Returns its port. */
export async function startSocketServer(stack) {
  const server = createServer().on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.write("\x81\x05hello", "latin1");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.closing(() => {
    server.close();
    server.closeAllConnections();
  });
  return server.address().port;
}
