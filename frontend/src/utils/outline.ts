import type { marked } from 'marked';
import type { Block } from './markdown';

/** The title of the page is a heading of level 1. */
const titleLevel = 1;
const deepestLevel = 6;

const levels = new WeakMap<Block, number>();

/** The level that an outline gave a heading; undefined for all else. */
export function levelOf(block: Block): number | undefined {
    return levels.get(block);
}

/** A heading without text is none. */
export function isEmptyHeading({ text }: marked.Tokens.Heading): boolean {
    return text.trim() === '';
}

/**
 * Gives headings their levels in the order of the text, each one below the heading it belongs to: models begin with any number of `#` and
 * skip some, while those who hear a page are told of no level that isn't there.
 */
export class Outline {
    /** The headings above the next one, from the highest: how the model wrote them, and as what they are shown. */
    private readonly above: { readonly depth: number; readonly level: number }[];

    constructor(before?: Outline) {
        this.above = before ? [...before.above] : [];
    }

    /** Reads the headings of blocks, and of what these hold down to `nesting` more. */
    read(blocks: readonly Block[], nesting: number): void {
        if (nesting < 0) return;
        for (const block of blocks) {
            if (block.type === 'heading' && !isEmptyHeading(block)) levels.set(block, this.next(block.depth));
            else if (block.type === 'blockquote') this.read(block.tokens, nesting - 1);
            else if (block.type === 'list') block.items.forEach(({ tokens }) => this.read(tokens, nesting - 1));
        }
    }

    private next(depth: number): number {
        while ((this.above[this.above.length - 1]?.depth ?? 0) >= depth) this.above.pop();
        const level = Math.min(deepestLevel, (this.above[this.above.length - 1]?.level ?? titleLevel) + 1);
        this.above.push({ depth, level });
        return level;
    }
}
