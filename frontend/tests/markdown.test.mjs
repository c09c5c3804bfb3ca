import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { levelOf, MarkdownStream } = await load('utils/markdown');

const samples = [
    '# Title\n\nText **bold**\n\n- a\n- b\n\n  more\n\n1. one\n2. two\n\nend',
    'text\n\n```py\ncode\n\nmore\n```\n\nafter\n\nreally',
    '\tindented\n\n```make\nall:\n\techo hi\n\n\tls\n```\n\nnext\n\n- x\n\ty\n\nlast\n\nvery last',
    'a\r\nb\r\n\r\nc\r\n\r\n| a | b |\r\n|--|--|\r\n| 1 | 2 |\r\n\r\nd\r\n\r\ne',
    '$$\nx^2\n$$\n\nfor $5 and $6\n\n\\[ a \\]\n\nend $a_1$ and $b$',
    '> quote\n> more\n\n~~~\ntilde\n\n```\ninner\n```\n~~~\n\ntext\n===\n\n***\n\nx',
];

const shape = (blocks) => blocks.filter(({ type }) => type !== 'space').map(({ type, raw }) => [type, raw.trim()]);

for (const [index, sample] of samples.entries()) {
    test(`growing piece by piece ends in the blocks of the whole text (${index + 1})`, () => {
        for (const step of [1, 3, 17]) {
            const stream = new MarkdownStream();
            for (let end = 1; end < sample.length; end += step) stream.update(sample.slice(0, end));
            assert.deepEqual(shape(stream.update(sample)), shape(new MarkdownStream().finish(sample)), `step ${step}`);
        }
    });
}

test('settled blocks keep their identity', () => {
    const stream = new MarkdownStream();
    const text = Array.from({ length: 50 }, (_, index) => `paragraph ${index}`).join('\n\n');
    const before = stream.update(text.slice(0, 400));
    const after = stream.update(text);
    const same = before.filter((block, index) => block === after[index]).length;
    assert.ok(same >= before.length - 4, `${same} of ${before.length}`);
});

const headings = (blocks) => blocks.flatMap((block) => block.type === 'heading' ? [[block.text, levelOf(block)]]
    : block.type === 'list' ? block.items.flatMap(({ tokens }) => headings(tokens)) : headings(block.tokens ?? []));

test('headings are of the level where they stand, whatever the model wrote, also while they come', () => {
    const expected = [['a', 2], ['b', 3], ['c', 3], ['d', 4], ['e', 3], ['f', 2], ['g', 3], ['h', 4]];
    const text = '### a\n\n##### b\n\n##### c\n\n- ###### d\n\n> #### e\n\n# f\n\n##\n\n### g\n\n###### h\n\nend';
    const stream = new MarkdownStream();
    for (let end = 1; end <= text.length; end += 1) {
        const levels = [1, ...headings(stream.update(text.slice(0, end))).map(([, level]) => level).filter((level) => level !== undefined)];
        assert.ok(levels.every((level, index) => index === 0 || level <= levels[index - 1] + 1), text.slice(0, end));
    }
    for (const blocks of [stream.update(text), new MarkdownStream().finish(text)]) {
        assert.deepEqual(headings(blocks).filter(([name]) => name !== ''), expected);
    }
});

test('a text that begins anew is read anew', () => {
    const stream = new MarkdownStream();
    stream.update('a\n\nb\n\nc\n\nd\n\ne');
    assert.deepEqual(shape(stream.update('x\n\ny')), [['paragraph', 'x'], ['paragraph', 'y']]);
});

test('formulas are tokens of their own, prices are not', () => {
    const [paragraph] = new MarkdownStream().finish('$a$ costs $5 or $6, \\(b\\) and `$c$`');
    assert.deepEqual(paragraph.tokens.filter(({ type }) => type === 'math').map(({ text }) => text), ['a', 'b']);
});

test('hostile nesting and length end in time and as text', () => {
    for (const text of ['>'.repeat(20_000), '- '.repeat(5_000), '*'.repeat(30_000), '['.repeat(20_000), 'x'.repeat(200_000), '$'.repeat(20_000)]) {
        assert.ok(new MarkdownStream().finish(text).length > 0);
    }
});
