import type { marked } from 'marked';
import { Fragment, type ReactNode } from 'react';
import { decodeEntities } from '../utils/entities';
import { safeAddress } from '../utils/links';
import { deepestNesting, restoreTabs, type Block } from '../utils/markdown';
import { Formula } from './Formula';

/** HTML elements without attributes that models use within text; every other tag is shown as it was written. */
const plainElements = ['b', 'i', 'em', 'strong', 'u', 's', 'del', 'ins', 'sub', 'sup', 'kbd', 'mark', 'small', 'code', 'q'] as const;
type PlainElement = (typeof plainElements)[number];

type Inline = Block;

/**
 * A run of Markdown within a paragraph, as React elements: no text of a model ever becomes HTML. `isLink`: it is the text of a link, and
 * may hold no other.
 */
export function inlineNodes(tokens: readonly Inline[], depth = 0, isLink = false): ReactNode[] {
    if (depth > deepestNesting) return [tokens.map(({ raw }) => raw).join('')];
    const root: ReactNode[] = [];
    const open: { readonly element: PlainElement; readonly raw: string; readonly children: ReactNode[] }[] = [];
    const add = (node: ReactNode): void => {
        (open[open.length - 1]?.children ?? root).push(node);
    };
    const close = (): void => {
        const last = open.pop();
        if (last) add(<last.element key={`e${root.length}-${open.length}`}>{keyed(last.children)}</last.element>);
    };
    for (const token of tokens) {
        const tag = token.type === 'html' ? readTag(token.raw) : undefined;
        if (tag?.kind === 'break') add(<br />);
        else if (tag?.kind === 'open' && open.length < deepestNesting) open.push({ element: tag.element, raw: token.raw, children: [] });
        else if (tag?.kind === 'close' && open[open.length - 1]?.element === tag.element) close();
        else add(inlineNode(token, depth, isLink));
    }
    // What was opened and not closed is text.
    while (open.length > 0) {
        const last = open.pop();
        if (last) [last.raw, ...last.children].forEach(add);
    }
    return keyed(root);
}

function keyed(nodes: readonly ReactNode[]): ReactNode[] {
    return nodes.map((node, index) => <Fragment key={index}>{node}</Fragment>);
}

type Tag = { readonly kind: 'break' } | { readonly kind: 'open' | 'close'; readonly element: PlainElement };

function readTag(raw: string): Tag | undefined {
    if (/^<br\s*\/?>$/i.test(raw)) return { kind: 'break' };
    const match = /^<(\/?)([a-z]+)>$/i.exec(raw);
    const element = plainElements.find((name) => name === match?.[2]?.toLowerCase());
    return element && { kind: match?.[1] === '/' ? 'close' : 'open', element };
}

function inlineNode(token: Inline, depth: number, isLink: boolean): ReactNode {
    switch (token.type) {
        case 'math':
            return <Formula source={token.text} display={token.display} raw={token.raw} />;
        case 'strong':
            return <strong>{inlineNodes(token.tokens, depth + 1, isLink)}</strong>;
        case 'em':
            return <em>{inlineNodes(token.tokens, depth + 1, isLink)}</em>;
        case 'del':
            return <del>{inlineNodes(token.tokens, depth + 1, isLink)}</del>;
        case 'codespan':
            return <code>{restoreTabs(decodeEntities(token.text))}</code>;
        case 'br':
            return <br />;
        case 'link':
            return isLink ? inlineNodes(token.tokens ?? [], depth + 1, isLink) : <Link token={token} depth={depth} />;
        case 'image':
            return isLink ? imageText(token) : <ImageLink token={token} />;
        case 'escape':
            return token.raw.slice(1);
        case 'text':
            return 'tokens' in token && token.tokens ? inlineNodes(token.tokens, depth + 1, isLink) : plainText(token.raw);
        default:
            return plainText(token.raw);
    }
}

function plainText(raw: string): string {
    return restoreTabs(decodeEntities(raw));
}

const outside = { target: '_blank', rel: 'noopener noreferrer nofollow' };

/** A link that leads out of this page and tells nobody whence; what is no link to the web stays text. */
function Link({ token, depth }: { readonly token: marked.Tokens.Link; readonly depth: number }): JSX.Element {
    const address = safeAddress(decodeEntities(token.href));
    const children = inlineNodes(token.tokens ?? [], depth + 1, address !== undefined);
    if (token.text.trim() === '') children.push(address ?? token.raw);
    if (address === undefined) return <>{children}</>;
    return <a href={address} title={token.title || undefined} {...outside}>{children}</a>;
}

/** A picture from elsewhere would tell its host who reads what, so it is shown as a link. */
function ImageLink({ token }: { readonly token: marked.Tokens.Image }): JSX.Element {
    const address = safeAddress(decodeEntities(token.href));
    const text = imageText(token);
    return address === undefined ? <>{text}</> : <a href={address} {...outside}>{text}</a>;
}

function imageText({ text, href }: marked.Tokens.Image): string {
    return plainText(text || href);
}
