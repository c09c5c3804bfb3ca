import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { deleteMessage, editMessage } from '../store/actions';
import { useStore } from '../store/createStore';
import { canAsk, serverStore } from '../store/serverStore';
import { isComposing } from '../utils/keyboard';
import { CopyButton } from './CopyButton';
import { PencilIcon, TrashIcon } from './icons';
import { IconButton } from './IconButton';
import type { MessageItemProps } from './MessageItem';
import { VariantSwitch } from './VariantSwitch';

export function UserView({ message, variant, variants }: MessageItemProps): JSX.Element {
    const { t } = useTranslation();
    const [editing, setEditing] = useState(false);
    const button = useRef<HTMLButtonElement>(null);
    const stopEditing = (): void => {
        setEditing(false);
        window.requestAnimationFrame(() => button.current?.focus());
    };
    return (
        <article className="message user-message" aria-label={t('you')} data-role="user" data-id={message.id}>
            {editing ? <Editor text={message.content} onCancel={stopEditing} onSend={(text) => {
                setEditing(false);
                editMessage(message.id, text);
            }} /> : <>
                <Bubble text={message.content} />
                <div className="message-actions">
                    <VariantSwitch id={message.id} variant={variant} variants={variants} />
                    <div className="on-hover">
                        <CopyButton text={message.content} label={t('copyMessage')} iconOnly />
                        <button ref={button} type="button" className="icon-button small edit-button" aria-label={t('editMessage')}
                            title={t('editMessage')} onClick={() => setEditing(true)}><PencilIcon size={16} /></button>
                        <IconButton className="icon-button small" label={t('deleteMessage')} data-action="delete"
                            onClick={() => deleteMessage(message.id)}>
                            <TrashIcon size={16} />
                        </IconButton>
                    </div>
                </div>
            </>}
        </article>
    );
}

const longestShown = 1_600;
const mostLines = 24;

/** What the reader wrote; of a very long text only the beginning, until all of it is asked for. */
function Bubble({ text }: { readonly text: string }): JSX.Element {
    const { t } = useTranslation();
    const [all, setAll] = useState(false);
    const isLong = text.length > longestShown || text.split('\n', mostLines + 2).length > mostLines + 1;
    const shown = isLong && !all ? `${text.split('\n').slice(0, mostLines).join('\n').slice(0, longestShown)}…` : text;
    return (
        <div className="user-bubble">
            {shown}
            {isLong && <button type="button" className="more-button" aria-expanded={all} onClick={() => setAll(!all)}>
                {all ? t('showLess') : t('showMore')}
            </button>}
        </div>
    );
}

interface EditorProps {
    readonly text: string;
    readonly onSend: (text: string) => void;
    readonly onCancel: () => void;
}

function Editor({ text, onSend, onCancel }: EditorProps): JSX.Element {
    const { t } = useTranslation();
    const [draft, setDraft] = useState(text);
    const able = useStore(serverStore, ({ state }) => canAsk(state));
    const area = useRef<HTMLTextAreaElement>(null);
    useEffect(() => {
        area.current?.focus();
        area.current?.setSelectionRange(text.length, text.length);
    }, [text]);
    const canSend = able && draft.trim() !== '';
    const onKeyDown = (event: KeyboardEvent): void => {
        if (event.key === 'Escape') {
            event.preventDefault();
            onCancel();
        }
        if (event.key !== 'Enter' || event.shiftKey || isComposing(event)) return;
        event.preventDefault();
        if (canSend) onSend(draft.trim());
    };
    return (
        <div className="editor">
            <textarea ref={area} value={draft} aria-label={t('editMessage')} onChange={(event) => setDraft(event.target.value)}
                onKeyDown={onKeyDown} />
            <div className="editor-foot">
                <p>{t('editHint')}</p>
                <button type="button" className="plain-button" onClick={onCancel}>{t('cancel')}</button>
                <button type="button" className="primary-button" disabled={!canSend}
                    onClick={() => onSend(draft.trim())}>{t('send')}</button>
            </div>
        </div>
    );
}
