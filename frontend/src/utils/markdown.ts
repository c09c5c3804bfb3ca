import { marked } from 'marked';
import { blockMath, inlineMath, signRun, type MathToken } from './mathTokens';
import { Outline } from './outline';

export { isEmptyHeading, levelOf } from './outline';

export type Block = marked.Token | MathToken;

/** Text longer than this in one block, or nested deeper, is shown as it is: Markdown of that kind is an accident or an attack. */
const longestBlock = 100_000;
export const deepestNesting = 10;

/** Stands for a tab in fenced code while marked 4 reads it, which turns leading tabs into spaces and so breaks makefiles. */
const tabStandIn = '\uE009';

marked.use({ extensions: [blockMath, inlineMath, signRun], gfm: true, breaks: true });

function lex(source: string): readonly Block[] {
    if (source.length > longestBlock) return [plainText(source)];
    try {
        return marked.lexer(source);
    } catch {
        return [plainText(source)];
    }
}

function plainText(source: string): Block {
    return { type: 'code', raw: source, text: source, lang: undefined, codeBlockStyle: 'indented' };
}

/** The text of a code block or code span as the model wrote it. */
export function restoreTabs(text: string): string {
    return text.includes(tabStandIn) ? text.split(tabStandIn).join('\t') : text;
}

interface Prepared {
    readonly text: string;
    /** What would close the fence that is open at the end of the text; empty when none is. */
    readonly closing: string;
}

/**
 * Line ends and leading tabs as marked has them internally, so that the lengths of its blocks fit the text, and the closing of an open
 * fence, without which marked takes code that has just begun for paragraphs.
 */
function prepare(source: string): Prepared {
    let mark = '';
    let indent = '';
    const lines = source.replace(/\r\n?/g, '\n').split('\n').map((line) => {
        const fence = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(line);
        const inside = mark !== '';
        if (!inside) [indent, mark] = [fence?.[1] ?? '', fence?.[2] ?? ''];
        else if (fence?.[2]?.startsWith(mark) && fence[3]?.trim() === '') mark = '';
        return line.replace(/^( *)(\t+)/, (_, spaces: string, tabs: string) => spaces + (inside ? tabStandIn : '    ').repeat(tabs.length));
    });
    return { text: lines.join('\n'), closing: mark === '' ? '' : `\n${indent}${mark}` };
}

/**
 * Splits a growing text into Markdown blocks without reading all of it again each time.
 * What lies before the last two blocks can't change any more, except that it may refer to a link defined later;
 * `finish` therefore reads the whole text once.
 */
export class MarkdownStream {
    /** As much of the growing text, as it came, as lies before the open blocks. */
    private settledSource = '';
    private settled: Block[] = [];
    private outline = new Outline();

    update(source: string): readonly Block[] {
        if (!source.startsWith(this.settledSource)) this.reset();
        const { text, closing } = prepare(source.slice(this.settledSource.length));
        const tail = lex(text + closing);
        let open = 0;
        let length = 0;
        for (const end = settledEnd(tail); open < end; open += 1) {
            const block = tail[open];
            if (!block || !text.startsWith(block.raw, length)) break;
            this.settled.push(block);
            this.outline.read([block], deepestNesting);
            length += block.raw.length;
        }
        this.settle(source, length);
        const rest = tail.slice(open);
        new Outline(this.outline).read(rest, deepestNesting);
        return [...this.settled, ...rest];
    }

    finish(source: string): readonly Block[] {
        if (source.length > longestBlock) return this.update(source);
        const { text, closing } = prepare(source);
        const blocks = lex(text + closing);
        new Outline().read(blocks, deepestNesting);
        return blocks;
    }

    /** Moves the border by `length` characters of prepared text, which may be more or fewer of the source. */
    private settle(source: string, length: number): void {
        if (length === 0) return;
        const start = this.settledSource.length;
        let end = start + length;
        if (/[\t\r]/.test(source.slice(start, end + length))) {
            for (end = start; end < source.length && prepare(source.slice(start, end)).text.length < length;) {
                const line = source.indexOf('\n', end);
                end = line < 0 ? source.length : line + 1;
            }
        }
        this.settledSource = source.slice(0, end);
    }

    private reset(): void {
        this.settled = [];
        this.settledSource = '';
        this.outline = new Outline();
    }
}

/** How many blocks are settled: all but the last two that hold text, for the start of `2.` after a list looks like a paragraph at first. */
function settledEnd(blocks: readonly Block[]): number {
    let open = 2;
    for (let index = blocks.length - 1; index > 0; index -= 1) {
        if (blocks[index]?.type !== 'space') open -= 1;
        if (open === 0) return index;
    }
    return 0;
}
