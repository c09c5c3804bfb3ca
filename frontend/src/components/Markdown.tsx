import { memo, useMemo, useRef } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { blockHTML, codeText, deepestNesting, inlineHTML, MarkdownStream, type Block } from '../utils/markdown';
import { CodeBlock } from './CodeBlock';

interface MarkdownProps {
    readonly source: string;
    /** True while the text is still growing. */
    readonly growing: boolean;
}

/** A model's Markdown, block by block: blocks that no longer change are neither read nor rendered again. */
export function Markdown({ source, growing }: MarkdownProps): JSX.Element {
    const stream = useRef<MarkdownStream>();
    const blocks = useMemo(() => {
        stream.current ??= new MarkdownStream();
        return growing ? stream.current.update(source) : stream.current.finish(source);
    }, [source, growing]);
    const pages: JSX.Element[] = [];
    for (let start = 0; start < blocks.length; start += pageLength) {
        pages.push(<Page key={start} blocks={blocks.slice(start, start + pageLength)} />);
    }
    return <div className="markdown">{pages}</div>;
}

/** So many blocks are skipped at once when none of them has changed. */
const pageLength = 50;

const Page = memo(
    function Page({ blocks }: { readonly blocks: readonly Block[] }): JSX.Element {
        return <Blocks blocks={blocks} depth={0} />;
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
    depth === newDepth && (before === after || (before.type === after.type && before.raw === after.raw && !before.raw.includes(']'))));

function BlockView({ block, depth }: BlockProps): JSX.Element | null {
    if (depth > deepestNesting) return <p>{block.raw}</p>;
    switch (block.type) {
        case 'space':
        case 'def':
            return null;
        case 'code':
            return <CodeBlock code={codeText(block)} language={block.lang ?? ''} />;
        case 'blockquote':
            return <blockquote><Blocks blocks={block.tokens} depth={depth + 1} /></blockquote>;
        case 'list':
            return <ListView list={block} depth={depth} />;
        case 'table':
            return <TableView block={block} />;
        case 'text':
            return <TextView block={block} />;
        default:
            return <HTMLView html={blockHTML(block)} />;
    }
}

type List = Extract<Block, { type: 'list' }>;

function ListView({ list, depth }: { readonly list: List; readonly depth: number }): JSX.Element {
    const items = list.items.map((item, index) => (
        <li key={index} className={item.task ? 'task' : undefined}>
            {item.task && <input type="checkbox" checked={item.checked ?? false} disabled aria-label={item.text.slice(0, 200)} />}
            <Blocks blocks={item.tokens} depth={depth + 1} />
        </li>
    ));
    return list.ordered ? <ol start={list.start === '' ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function TableView({ block }: { readonly block: Block }): JSX.Element {
    const { t } = useTranslation();
    const html = useMemo(() => ({ __html: blockHTML(block) }), [block]);
    return <div className="table-scroll" role="region" aria-label={t('table')} tabIndex={0} dangerouslySetInnerHTML={html} />;
}

/** The text of a tight list item. */
function TextView({ block }: { readonly block: Block }): JSX.Element {
    const html = useMemo(() => ({ __html: 'tokens' in block && block.tokens ? inlineHTML(block.tokens) : blockHTML(block) }), [block]);
    return <span dangerouslySetInnerHTML={html} />;
}

function HTMLView({ html }: { readonly html: string }): JSX.Element {
    const inner = useMemo(() => ({ __html: html }), [html]);
    return <div dangerouslySetInnerHTML={inner} />;
}
