import type { marked } from 'marked';
import { memo, useRef } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { deepestNesting, isEmptyHeading, levelOf, MarkdownStream, restoreTabs, type Block } from '../utils/markdown';
import { CodeBlock } from './CodeBlock';
import { Formula } from './Formula';
import { inlineNodes } from './Inline';

interface MarkdownProps {
    readonly source: string;
    /** True while the text is still growing. */
    readonly growing: boolean;
}

/** A model's Markdown, block by block: blocks that no longer change are neither read nor rendered again. */
export const Markdown = memo(function Markdown({ source, growing }: MarkdownProps): JSX.Element {
    const reader = useRef<PatientReader>();
    reader.current ??= new PatientReader();
    const blocks = reader.current.read(source, growing);
    const pages: JSX.Element[] = [];
    for (let start = 0; start < blocks.length; start += pageLength) {
        const page = blocks.slice(start, start + pageLength);
        pages.push(<Page key={start} blocks={page} />);
    }
    return <div className="markdown">{pages}</div>;
});

/** Of the time, at most this share is spent on reading a growing text. */
const readingShare = 0.25;

/** Reads a growing text at every frame, unless one very long block makes that slow: then less often. */
class PatientReader {
    private readonly stream = new MarkdownStream();
    private source: string | undefined;
    private growing = true;
    private blocks: readonly Block[] = [];
    private notBefore = 0;

    read(source: string, growing: boolean): readonly Block[] {
        const start = performance.now();
        if (source === this.source && growing === this.growing) return this.blocks;
        if (growing && start < this.notBefore) return this.blocks;
        this.blocks = growing ? this.stream.update(source) : this.stream.finish(source);
        this.source = source;
        this.growing = growing;
        const end = performance.now();
        this.notBefore = end - start < slowReading ? 0 : end + (end - start) / readingShare;
        return this.blocks;
    }
}

const slowReading = 5; // milliseconds

/** So many blocks are skipped at once when none of them has changed, and are not laid out while they are out of sight. */
const pageLength = 40;

const Page = memo(
    function Page({ blocks }: { readonly blocks: readonly Block[] }): JSX.Element {
        return <div className="markdown-page" data-full={blocks.length === pageLength}><Blocks blocks={blocks} depth={0} /></div>;
    },
    ({ blocks: before }, { blocks: after }) => before.length === after.length && before.every((block, index) => block === after[index]),
);

interface BlocksProps {
    readonly blocks: readonly Block[];
    readonly depth: number;
}

function Blocks({ blocks, depth }: BlocksProps): JSX.Element {
    return <>{blocks.map((block, index) => <MemoBlock key={index} block={block} depth={depth} />)}</>;
}

interface BlockProps {
    readonly block: Block;
    readonly depth: number;
}

/** Blocks that were settled keep their identity; those read again are equal when their text is, unless they might use a link reference. */
const MemoBlock = memo(BlockView, ({ block: before, depth }, { block: after, depth: newDepth }) =>
    depth === newDepth && (before === after || (before.type === after.type && before.raw === after.raw
        && levelOf(before) === levelOf(after) && !before.raw.includes(']'))));

function BlockView({ block, depth }: BlockProps): JSX.Element | null {
    if (depth > deepestNesting) return <p>{block.raw}</p>;
    switch (block.type) {
        case 'space':
        case 'def':
            return null;
        case 'code':
            return <CodeBlock code={restoreTabs(block.text)} language={block.lang ?? ''} />;
        case 'math':
            return <Formula source={block.text} display={block.display} raw={block.raw} />;
        case 'heading':
            return isEmptyHeading(block) ? null : <Heading block={block} />;
        case 'hr':
            return <hr />;
        case 'blockquote':
            return <blockquote><Blocks blocks={block.tokens} depth={depth + 1} /></blockquote>;
        case 'list':
            return <ListView list={block} depth={depth} />;
        case 'table':
            return <TableView table={block} />;
        case 'text':
            return <span>{inlineNodes('tokens' in block && block.tokens ? block.tokens : [block])}</span>;
        case 'paragraph':
            return <p>{inlineNodes(block.tokens)}</p>;
        default:
            return <p className="whitespace-pre-wrap">{restoreTabs(block.raw).trim()}</p>;
    }
}

/** As large as the model wants it, at the level where it stands in the page. */
function Heading({ block }: { readonly block: marked.Tokens.Heading }): JSX.Element {
    const Tag = `h${levelOf(block) ?? 2}` as 'h2';
    return <Tag data-level={block.depth}>{inlineNodes(block.tokens)}</Tag>;
}

function ListView({ list, depth }: { readonly list: marked.Tokens.List; readonly depth: number }): JSX.Element {
    const { t } = useTranslation();
    const items = list.items.map((item, index) => (
        <li key={index} className={item.task ? 'task' : undefined}>
            {item.task && <input type="checkbox" checked={item.checked ?? false} disabled
                aria-label={item.text.trim().slice(0, 200) || t('emptyItem')} />}
            <div><Blocks blocks={item.tokens} depth={depth + 1} /></div>
        </li>
    ));
    return list.ordered ? <ol start={list.start === '' ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function TableView({ table }: { readonly table: marked.Tokens.Table }): JSX.Element {
    const { t } = useTranslation();
    const alignment = (index: number): { readonly 'data-align'?: string } => {
        const align = table.align[index];
        return align ? { 'data-align': align } : {};
    };
    return (
        <div className="table-scroll" role="group" aria-label={t('table')} tabIndex={0}>
            <table>
                <thead>
                    <tr>{table.header.map((cell, index) => <th key={index}
                        scope="col" {...alignment(index)}>{inlineNodes(cell.tokens)}</th>)}</tr>
                </thead>
                <tbody>
                    {table.rows.map((row, number) => (
                        <tr key={number}>{row.map((cell, index) =>
                            <td key={index} {...alignment(index)}>{inlineNodes(cell.tokens)}</td>)}</tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
