import { decodeEntities } from './entities';

/** A stretch of code in one colour class, or a nest of such. */
export type CodeNode = string | { readonly className: string; readonly children: readonly CodeNode[] };

/**
 * Reads the highlighter's output, which is nothing but `<span class="…">`, `</span>` and escaped text, so that no HTML has to be put
 * into the page. Whatever else there might be is taken as text.
 */
export function parseHighlighted(html: string): readonly CodeNode[] {
    const root: CodeNode[] = [];
    const open: CodeNode[][] = [root];
    const add = (node: CodeNode): void => {
        open[open.length - 1]?.push(node);
    };
    let position = 0;
    for (const tag of html.matchAll(/<span class="([\w \-]*)">|<\/span>/g)) {
        const start = tag.index ?? 0;
        if (start > position) add(decodeEntities(html.slice(position, start)));
        position = start + (tag[0] ?? '').length;
        if (tag[1] !== undefined) {
            const children: CodeNode[] = [];
            add({ className: tag[1], children });
            open.push(children);
        } else if (open.length > 1) {
            open.pop();
        }
    }
    if (position < html.length) add(decodeEntities(html.slice(position)));
    return root;
}
