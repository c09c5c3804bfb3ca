import DOMPurify from 'dompurify';
import { marked } from 'marked';

export type Block = marked.Token;

/** Text longer than this in one block, or nested deeper, is shown as it is: Markdown of that kind is an accident or an attack. */
const longestBlock = 100_000;
export const deepestNesting = 10;

/** Stands for a tab in fenced code while marked 4 reads it, which turns leading tabs into spaces and so breaks makefiles. */
const tabStandIn = '\uE009';

const renderer = new marked.Renderer();
// A picture from elsewhere would tell its host who reads what, so it is shown as a link.
renderer.image = (href, _title, text) => `<a href="${escapeHTML(href ?? '')}">${escapeHTML(text || href || '')}</a>`;

const options: marked.MarkedOptions = { gfm: true, breaks: true, headerIds: false, mangle: false, renderer };

const allowedTags = [
    'a', 'abbr', 'b', 'blockquote', 'br', 'code', 'dd', 'del', 'dfn', 'div', 'dl', 'dt', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr',
    'i', 'ins', 'kbd', 'li', 'mark', 'ol', 'p', 'pre', 'q', 's', 'samp', 'small', 'span', 'strong', 'sub', 'sup', 'table', 'tbody', 'td',
    'tfoot', 'th', 'thead', 'tr', 'u', 'ul', 'var',
];

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
    if (node.tagName === 'A' && node.hasAttribute('href')) {
        node.setAttribute('target', '_blank');
        node.setAttribute('rel', 'noopener noreferrer nofollow');
    }
});

function sanitize(html: string): string {
    return DOMPurify.sanitize(html.split(tabStandIn).join('\t'), {
        ALLOWED_TAGS: allowedTags,
        ALLOWED_ATTR: ['href', 'title', 'align', 'start', 'colspan', 'rowspan'],
        ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
        ADD_URI_SAFE_ATTR: ['align', 'start', 'colspan', 'rowspan'],
        ALLOW_DATA_ATTR: false,
        ALLOW_ARIA_ATTR: false,
    });
}

/** Safe HTML of one block. */
export function blockHTML(block: Block): string {
    try {
        return sanitize(marked.parser([block], options));
    } catch {
        return escapeHTML(block.raw);
    }
}

/** Safe HTML of a run of inline tokens, without a paragraph around them. */
export function inlineHTML(tokens: readonly Block[]): string {
    try {
        return sanitize(marked.Parser.parseInline([...tokens], options));
    } catch {
        return escapeHTML(tokens.map((token) => token.raw).join(''));
    }
}

function lex(source: string): readonly Block[] {
    if (source.length > longestBlock) return [plainText(source)];
    try {
        return marked.lexer(source, options);
    } catch {
        return [plainText(source)];
    }
}

function plainText(source: string): Block {
    return { type: 'code', raw: source, text: source, lang: undefined, codeBlockStyle: 'indented' };
}

function escapeHTML(text: string): string {
    return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The text of a code block as the model wrote it. */
export function codeText(block: Extract<Block, { type: 'code' }>): string {
    return block.text.split(tabStandIn).join('\t');
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
    private source = '';
    private settled: Block[] = [];
    private settledLength = 0;

    update(source: string): readonly Block[] {
        const { text, closing } = prepare(source);
        if (!text.startsWith(this.source)) this.reset();
        this.source = text;
        const tail = lex(text.slice(this.settledLength) + closing);
        let open = 0;
        for (const end = settledEnd(tail); open < end; open += 1) {
            const block = tail[open];
            if (!block || !text.startsWith(block.raw, this.settledLength)) break;
            this.settled.push(block);
            this.settledLength += block.raw.length;
        }
        return [...this.settled, ...tail.slice(open)];
    }

    finish(source: string): readonly Block[] {
        if (source.length > longestBlock) return this.update(source);
        const { text, closing } = prepare(source);
        return lex(text + closing);
    }

    private reset(): void {
        this.settled = [];
        this.settledLength = 0;
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
