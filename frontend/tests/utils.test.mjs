// `npm test`: the page's logic that needs no browser, with Node's own test runner.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { parseHighlighted } = await load('utils/highlighted');
const { decodeEntities } = await load('utils/entities');
const { safeAddress } = await load('utils/links');
const { splitReasoning } = await load('utils/reasoning');
const { titleFrom, wireMessages } = await load('utils/conversation');
const { currentAfterRemoval, latestLeaf, pathTo, siblingsOf, withoutBranch } = await load('utils/tree');
const { groupByDate } = await load('utils/dates');
const { markdownOf, readMarkdown } = await load('utils/export');
const { fencedFile, fileName } = await load('utils/files');
const { readGeneration, generationObject } = await load('utils/preferences');
const { texts, fill } = await load('utils/texts/index');
const { readDocuments, readMessage, writeDocument } = await load('services/wire');
const { parseSocketEvent } = await load('services/socketEvents');
const { CodeStream } = await load('utils/codeStream');
const { readPlace } = await load('routes/navigation');

const message = (id, parentId, role = 'user', content = id) => ({ id, parentId, role, content, createdAt: 0, state: 'complete' });

test('the path leads from a root to the current message, also where parents are missing or form a circle', () => {
    const messages = [message('a', null), message('b', 'a'), message('c', 'a'), message('d', 'c')];
    assert.deepEqual(pathTo(messages, 'd').map(({ id }) => id), ['a', 'c', 'd']);
    assert.deepEqual(pathTo(messages, 'unknown').map(({ id }) => id), ['a', 'c', 'd']);
    assert.deepEqual(pathTo([], null), []);
    assert.deepEqual(pathTo([message('x', 'y'), message('y', 'x')], 'x').map(({ id }) => id), ['y', 'x']);
    assert.deepEqual(pathTo([message('x', 'gone')], 'x').map(({ id }) => id), ['x']);
});

test('variants are the children of one parent, and removal goes to the nearest of them', () => {
    const messages = [message('a', null), message('b', 'a'), message('c', 'a'), message('d', 'c'), message('e', null)];
    assert.deepEqual(siblingsOf(messages, messages[1]).map(({ id }) => id), ['b', 'c']);
    assert.deepEqual(siblingsOf(messages, messages[0]).map(({ id }) => id), ['a', 'e']);
    assert.equal(latestLeaf(messages, 'a'), 'd');
    assert.deepEqual(withoutBranch(messages, 'c').map(({ id }) => id), ['a', 'b', 'e']);
    assert.equal(currentAfterRemoval(messages, 'b'), 'd');
    assert.equal(currentAfterRemoval(messages, 'd'), 'c');
});

test('the model is shown neither empty replies nor earlier reasoning, and never two messages of one role in a row', () => {
    const path = [
        message('1', null, 'user', 'One'), message('2', '1', 'assistant', ''), message('3', '2', 'user', 'Two'),
        message('4', '3', 'assistant', '<think>x</think>Four'), message('5', '4', 'user', 'Five'), message('6', '5', 'assistant', '<think>half'),
    ];
    assert.deepEqual(wireMessages(path, 'System'), [
        { role: 'system', content: 'System' }, { role: 'user', content: 'One\n\nTwo' }, { role: 'assistant', content: 'Four' },
        { role: 'user', content: 'Five' }, { role: 'assistant', content: '<think>half' },
    ]);
});

test('reasoning is what stands between the tags at the start', () => {
    assert.deepEqual(splitReasoning('<think>\na\n</think>\n\nb'), { reasoning: 'a', answer: 'b', open: false });
    assert.deepEqual(splitReasoning('<think>still'), { reasoning: 'still', answer: '', open: true });
    assert.deepEqual(splitReasoning('text <think>x</think>'), { answer: 'text <think>x</think>', open: false });
});

test('a title is the first line that says something, without Markdown, cut at a word', () => {
    assert.equal(titleFrom('\n\n# **Hello** `world`\nmore'), 'Hello world');
    assert.equal(titleFrom('```\n---\n为什么天空是蓝色的？'), '为什么天空是蓝色的？');
    assert.equal(titleFrom(`${'word '.repeat(40)}`), `${'word '.repeat(12).trim()}…`);
    assert.equal(titleFrom('😀'.repeat(80)), `${'😀'.repeat(60)}…`);
});

test('only links to the web and to mail are followed', () => {
    for (const bad of ['javascript:alert(1)', ' java\nscript:x', 'data:text/html,x', '/c/x', 'vbscript:x', 'file:///etc/passwd', '']) {
        assert.equal(safeAddress(bad), undefined, bad);
    }
    assert.equal(safeAddress('https://example.org/a b'), 'https://example.org/a%20b');
    assert.equal(safeAddress('mailto:a@b.example'), 'mailto:a@b.example');
});

test('character references become characters once', () => {
    assert.equal(decodeEntities('&lt;b&gt; &amp;lt; &#65;&#x42; &copy; &unknown; &#0; &#xD800;'), '<b> &lt; AB © &unknown; \uFFFD \uFFFD');
});

test('the highlighter’s output becomes a tree, and whatever else it holds becomes text', () => {
    assert.deepEqual(parseHighlighted('a<span class="x">b<span class="y z">&lt;</span></span>c'), [
        'a', { className: 'x', children: ['b', { className: 'y z', children: ['<'] }] }, 'c',
    ]);
    assert.deepEqual(parseHighlighted('</span><img src=x><span class="a" onclick="x">b'), ['<img src=x><span class="a" onclick="x">b']);
});

test('growing code is coloured part by part, each with the state of the one before', () => {
    const calls = [];
    const colouring = {
        highlightCode: (_, code, start) => {
            calls.push([code.length, start]);
            return { nodes: [code], end: (start ?? 0) + 1 };
        },
    };
    const stream = new CodeStream('x', colouring);
    const code = Array.from({ length: 60 }, (_, line) => `line ${line}\n`).join('');
    for (let end = 0; end <= code.length; end += 7) {
        assert.equal(stream.update(code.slice(0, end)).map(({ text }) => text).join(''), code.slice(0, end));
    }
    assert.equal(stream.update(code).length, 3);
    assert.equal(calls.at(-1)[1], 2);
    assert.ok(Math.max(...calls.map(([length]) => length)) < 24 * 10);
    assert.deepEqual(stream.update('other').map(({ text }) => text), ['other']);
});

test('conversations stand under their day, pinned ones first', () => {
    const now = new Date(2026, 5, 15, 12).getTime();
    const day = 86_400_000;
    const made = (id, age, pinned = false) => ({ id, updatedAt: now - age * day, pinned });
    const groups = groupByDate([made('a', 0), made('b', 1), made('c', 3), made('d', 20), made('e', 100), made('f', 300, true)], now);
    assert.deepEqual(groups.map(({ group, items }) => [group, items[0].id]), [
        ['pinned', 'f'], ['today', 'a'], ['yesterday', 'b'], ['week', 'c'], ['month', 'd'], ['2026-3', 'e'],
    ]);
});

test('a file stands between fences that are longer than those within it', () => {
    assert.equal(fencedFile('a.md', 'x\n````\n'), 'a.md:\n`````md\nx\n````\n`````');
    assert.equal(fileName('a/b: "c"?', 'md'), 'a b c.md');
    assert.equal(fileName('..', 'json'), 'conversation.json');
});

test('settings outside of their range, or of another type, are left out', () => {
    assert.deepEqual(readGeneration({ temperature: 3, top_p: '1', top_k: 5, max_tokens: -1, seed: NaN, stop: ['a', '', 7, 'b'] }), {
        topK: 5, stop: ['a', 'b'],
    });
    assert.deepEqual(generationObject({ topP: 0.5, maxTokens: undefined }), { top_p: 0.5 });
});

test('both languages have all texts, with the same places to be filled', () => {
    assert.deepEqual(Object.keys(texts.zh).sort(), Object.keys(texts.en).sort());
    for (const [key, english] of Object.entries(texts.en)) {
        const places = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
        assert.deepEqual(places(texts.zh[key]), places(english), key);
        assert.notEqual(texts.zh[key].trim(), '', key);
    }
    assert.equal(fill('{a} {b}', { a: '{b}' }), '{b} {b}');
});

test('exported documents come back as they were, and strange ones are refused', () => {
    const conversation = {
        id: 'c', title: 'T', createdAt: 1, updatedAt: 2, model: null, systemPrompt: 's', pinned: true, settings: { topK: 3 },
        currentMessageId: 'm', snippet: undefined,
    };
    const messages = [{ ...message('m', null, 'assistant'), finishReason: 'stop', model: 'x', figures: undefined }];
    const [back] = readDocuments(JSON.parse(JSON.stringify(writeDocument({ conversation, messages }))));
    assert.deepEqual(back.conversation, conversation);
    assert.equal(back.messages[0].content, 'm');
    for (const strange of [undefined, null, [], {}, { format: 'stellarchat.session', version: 2, session: {} },
        { format: 'stellarchat.session', version: 1, session: { id: '../x' } }]) {
        assert.equal(readDocuments(strange), undefined);
    }
    assert.equal(readMessage({ id: 'a"b', role: 'user', content: '' }), undefined);
    assert.equal(readMessage({ id: 'a', role: 'root', content: '' }), undefined);
});

test('events of the server are read, and what is none is ignored', () => {
    assert.deepEqual(parseSocketEvent('{"event":"progress","id":"1","data":{"queue_position":2,"prompt_tokens":9,"processed_tokens":0}}').progress, {
        queuePosition: 2, promptTokens: 9, processedTokens: 0,
    });
    assert.equal(parseSocketEvent('{"event":"message_delta","data":{"usage":{"input_tokens":1,"output_tokens":2}}}').usage.outputTokens, 2);
    for (const strange of ['', 'null', '[]', '{"event":7}', '{"event":"unknown"}']) assert.equal(parseSocketEvent(strange), undefined);
});

test('only well-formed ids make a place', () => {
    assert.equal(readPlace('/c/abc_-1').conversationId, 'abc_-1');
    for (const path of ['/', '/c/', '/c/a/b', '/c/%3Cimg', `/c/${'x'.repeat(65)}`]) assert.equal(readPlace(path).conversationId, undefined);
});

const english = { user: 'You', assistant: 'Assistant', system: 'System' };
const chinese = { user: '你', assistant: '助手', system: '系统' };
const everyName = [...Object.values(english), ...Object.values(chinese)];

test('a conversation written as Markdown is read again as it was, in both languages', () => {
    const contents = ['How?\n\n## You\n\\## Assistant\n# Title', '# So\n\n```md\n## 助手\n```\n\n## Other', 'Thanks', 'Bye'];
    const path = contents.map((content, index) => message(`m${index}`, null, index % 2 ? 'assistant' : 'user', content));
    for (const names of [english, chinese]) {
        const read = readMarkdown(markdownOf('A  title\nof two lines', path, names, everyName), [english, chinese]);
        assert.equal(read.title, 'A title of two lines');
        assert.deepEqual(read.messages.map(({ role, content }) => [role, content]), path.map(({ role, content }) => [role, content]));
        assert.deepEqual(read.messages.map(({ parentId }) => parentId), [null, ...read.messages.slice(0, -1).map(({ id }) => id)]);
    }
});

test('Markdown that is no conversation is refused, and line ends and marks of other systems are taken', () => {
    for (const text of ['', '# Title', '# Title\n\nText\n\n## You\n\nHello', '## You\n\nHello', 'Text', '# Title\n\n## Someone\n\nHello']) {
        assert.equal(readMarkdown(text, [english, chinese]), undefined, text);
    }
    const read = readMarkdown('\uFEFF# T\r\n\r\n## You\r\n\r\nOne\r\ntwo\r\n', [english]);
    assert.deepEqual(read.messages.map(({ content }) => content), ['One\ntwo']);
});
