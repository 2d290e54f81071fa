// base64url without padding (RFC 4648 section 5), for Node.js and the Edge runtime alike.

export const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
export const encoder = new TextEncoder();

export function encodeBytes(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function encodeText(text: string): string {
  return encodeBytes(encoder.encode(text));
}

/** Throws on anything but the one canonical spelling: no padding, no foreign character, no stray trailing bits. */
export function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error("not base64url");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (encodeBytes(bytes) !== text) throw new Error("not canonical base64url");
  return bytes;
}

export function decodeText(text: string): string {
  return decoder.decode(decodeBytes(text));
}
