// The icons of the installable page as PNG, drawn from the same star as favicon.svg: no image library is needed, and nothing generated
// is kept in the repository.
import { deflateSync } from 'node:zlib';

// The star's right upper arm is one cubic curve from its top to its right point; the others are its mirror images.
const [top, firstControl, secondControl, right] = [[0, -14], [0.9, -5.8], [5.8, -0.9], [14, 0]];
const from = [0x7c, 0x6c, 0xf6];
const to = [0x3f, 0x7c, 0xf0];
const samples = 4;

function curve(t) {
    const u = 1 - t;
    const at = (axis) =>
        u ** 3 * top[axis] + 3 * u * u * t * firstControl[axis] + 3 * u * t * t * secondControl[axis] + t ** 3 * right[axis];
    return [at(0), at(1)];
}

/** Half the star's height at the distance x from its middle. */
function halfHeight(x) {
    let [low, high] = [0, 1];
    for (let step = 0; step < 24; step += 1) {
        const middle = (low + high) / 2;
        if (curve(middle)[0] < x) low = middle;
        else high = middle;
    }
    return -curve(low)[1];
}

/** A star of 28 units in a square of `units`; on a coloured ground where `filled`. */
export function icon(size, { units = 32, filled = false } = {}) {
    const rows = Buffer.alloc((size * 4 + 1) * size);
    const scale = units / size;
    const heights = Array.from({ length: size * samples }, (_, index) =>
        halfHeight(Math.abs(((index + 0.5) / samples) * scale - units / 2)));
    for (let y = 0; y < size; y += 1) {
        for (let x = 0; x < size; x += 1) {
            let inside = 0;
            for (let sy = 0; sy < samples; sy += 1) {
                const dy = Math.abs((y + (sy + 0.5) / samples) * scale - units / 2);
                for (let sx = 0; sx < samples; sx += 1) inside += dy < heights[x * samples + sx] ? 1 : 0;
            }
            const cover = inside / samples ** 2;
            const mix = (x + y) / (2 * size);
            const offset = y * (size * 4 + 1) + 1 + x * 4;
            for (let channel = 0; channel < 3; channel += 1) {
                const ground = from[channel] + (to[channel] - from[channel]) * mix;
                rows[offset + channel] = filled ? ground + (255 - ground) * cover : ground;
            }
            rows[offset + 3] = filled ? 255 : cover * 255;
        }
    }
    return png(size, rows);
}

function png(size, rows) {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(size, 0);
    header.writeUInt32BE(size, 4);
    header.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })),
        chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(body.length + 8);
    frame.writeUInt32BE(data.length, 0);
    body.copy(frame, 4);
    frame.writeUInt32BE(checksum(body), body.length + 4);
    return frame;
}

/** CRC-32 as in the PNG specification, annex D. */
function checksum(bytes) {
    let crc = 0xffffffff;
    for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    return (crc ^ 0xffffffff) >>> 0;
}
