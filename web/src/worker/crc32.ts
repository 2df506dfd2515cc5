// CRC-32 as zips have it (ISO 3309: polynomial 0x04C11DB7, bits in reverse).

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export class Crc32 {
  #value = 0xffff_ffff;

  add(bytes: Uint8Array): void {
    let value = this.#value;
    // By places: iterating takes twice as long.
    for (let at = 0; at < bytes.length; at += 1) {
      value = (value >>> 8) ^ (TABLE[(value ^ (bytes[at] as number)) & 0xff] as number);
    }
    this.#value = value;
  }

  get value(): number {
    return (this.#value ^ 0xffff_ffff) >>> 0;
  }
}
