import { memo, useEffect, useRef, useState, type MouseEvent } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { navigate } from '../routes/navigation';
import { deleteConversation, exportConversation, pinConversation, renameConversation } from '../store/actions';
import { chatStore } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { setDrawer } from '../store/interfaceStore';
import type { Conversation } from '../types/conversation';
import { isComposing } from '../utils/keyboard';
import { withoutReasoningTags } from '../utils/reasoning';
import { DownloadIcon, FileIcon, MoreIcon, PencilIcon, PinIcon, TrashIcon } from './icons';
import { Menu } from './Menu';

interface ConversationRowProps {
    readonly conversation: Conversation;
    readonly active: boolean;
}

export const ConversationRow = memo(function ConversationRow({ conversation, active }: ConversationRowProps): JSX.Element {
    const { t } = useTranslation();
    const [renaming, setRenaming] = useState(false);
    const { id, pinned, snippet } = conversation;
    const title = conversation.title || t('untitled');
    const running = useStore(chatStore, ({ open }) => open[id]?.messages.some(({ state }) => state === 'streaming') ?? false);
    if (renaming) {
        return <li><TitleEditor title={conversation.title} onDone={(text) => {
            setRenaming(false);
            if (text !== undefined) renameConversation(id, text);
        }} /></li>;
    }
    const open = (event: MouseEvent): void => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        setDrawer(false);
        navigate(`/c/${id}`);
    };
    return (
        <li className="conversation-row" data-active={active}>
            <a href={`/c/${id}`} aria-current={active ? 'page' : undefined} onClick={open} title={title}>
                <span className="flex min-w-0 items-center gap-2">
                    <span className="truncate">{title}</span>
                    {running && <span className="running-dot"><span className="sr-only">{t('replyRunning')}</span></span>}
                </span>
                {snippet !== undefined && snippet !== '' && <span className="snippet">{withoutReasoningTags(snippet)}</span>}
            </a>
            <Menu label={t('conversationMenu', { title })} icon={<MoreIcon size={16} />} items={[
                { name: 'rename', text: t('rename'), icon: <PencilIcon size={16} />, onChoose: () => setRenaming(true) },
                { name: 'pin', text: pinned ? t('unpin') : t('pin'), icon: <PinIcon size={16} />,
                    onChoose: () => pinConversation(id, !pinned) },
                { name: 'export-md', text: t('exportMarkdown'), icon: <FileIcon size={16} />,
                    onChoose: () => void exportConversation(conversation, 'md') },
                { name: 'export-json', text: t('exportJSON'), icon: <DownloadIcon size={16} />,
                    onChoose: () => void exportConversation(conversation, 'json') },
                { name: 'delete', text: t('delete'), icon: <TrashIcon size={16} />,
                    danger: true, onChoose: () => deleteConversation(conversation) },
            ]} />
        </li>
    );
});

/** A title in place of which another is written; Enter keeps it, Escape does not. */
function TitleEditor({ title, onDone }: { readonly title: string; readonly onDone: (text: string | undefined) => void }): JSX.Element {
    const { t } = useTranslation();
    const [text, setText] = useState(title);
    const field = useRef<HTMLInputElement>(null);
    useEffect(() => field.current?.select(), []);
    return (
        <input ref={field} className="title-editor" value={text} maxLength={200} aria-label={t('renameLabel')} autoFocus
            onChange={(event) => setText(event.target.value)}
            onBlur={() => onDone(text)}
            onKeyDown={(event) => {
                if (isComposing(event)) return;
                if (event.key === 'Enter') onDone(text);
                if (event.key !== 'Escape') return;
                event.preventDefault();
                onDone(undefined);
            }} />
    );
}
