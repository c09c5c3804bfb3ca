import { useCallback, useEffect, useLayoutEffect, useRef, type FormEvent, type KeyboardEvent, type RefObject } from 'react';
import { useDraft } from '../hooks/useDraft';
import { useDropZone } from '../hooks/useDropZone';
import { messageBoxId } from '../hooks/useShortcuts';
import { useTranslation } from '../hooks/useTranslation';
import { importFiles, sendMessage, stopActive } from '../store/actions';
import { useActive } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { notify, openDialog } from '../store/interfaceStore';
import { canAsk, serverStore } from '../store/serverStore';
import { formatCount } from '../utils/figures';
import { fencedFile, readTextFile } from '../utils/files';
import { isComposing } from '../utils/keyboard';
import { ContextGauge } from './ContextGauge';
import { ArrowUpIcon, AttachIcon, StopIcon } from './icons';
import { IconButton } from './IconButton';

interface ComposerProps {
    /** A reply is being written: the button stops it. */
    readonly running: boolean;
    readonly onSend: () => void;
}

/** The message box. What is written stays until it is sent, whatever the server does. */
export function Composer({ running, onSend }: ComposerProps): JSX.Element {
    const { t } = useTranslation();
    const input = useRef<HTMLTextAreaElement>(null);
    const name = useActive(({ state, conversation }) => (state === 'new' ? 'new' : conversation.id));
    const [draft, setDraft] = useDraft(name);
    const state = useStore(serverStore, (status) => status.state);
    const canSend = !running && canAsk(state) && draft.trim() !== '';
    useAutoGrow(input, draft);
    useEffect(() => {
        // Not on phones: the keyboard would cover half of what is to be read.
        if (window.matchMedia('(hover: hover)').matches) input.current?.focus();
    }, [name]);

    const insert = useFileInsertion(input, draft, setDraft);
    const over = useDropZone(insert);
    const submit = (event?: FormEvent): void => {
        event?.preventDefault();
        if (!canSend) return;
        setDraft('');
        sendMessage(draft.trim());
        onSend();
    };
    const onKeyDown = (event: KeyboardEvent): void => {
        if (isComposing(event)) return;
        if (event.key === 'Escape' && running) stopActive();
        if (event.key === 'ArrowUp' && draft === '') editLast(event);
        if (event.key !== 'Enter' || event.shiftKey) return;
        event.preventDefault();
        submit();
    };
    return (
        <form className="composer" onSubmit={submit} data-testid="composer" data-over={over}>
            <label htmlFor={messageBoxId} className="sr-only">{t('messageLabel')}</label>
            <textarea ref={input} id={messageBoxId} rows={1} value={draft} placeholder={t('messagePlaceholder')}
                aria-describedby="composer-hint"
                onChange={(event) => setDraft(event.target.value)} onKeyDown={onKeyDown} />
            <div className="composer-foot">
                <FileButton onFiles={insert} />
                <ReplyLimit />
                <span className="flex-1" />
                <ContextGauge />
                {running ? (
                    <button key="stop" type="button" className="round-button" data-action="stop" onClick={stopActive}
                        aria-label={t('stop')} title={t('stop')}>
                        <StopIcon size={20} />
                    </button>
                ) : (
                    <button key="send" type="submit" className="round-button" data-action="send" disabled={!canSend}
                        aria-label={t('send')} title={t('send')}>
                        <ArrowUpIcon size={20} />
                    </button>
                )}
            </div>
            {over && <div className="drop-hint">{t('dropFiles')}</div>}
        </form>
    );
}

function editLast(event: KeyboardEvent): void {
    const buttons = document.querySelectorAll<HTMLButtonElement>('.edit-button');
    const last = buttons[buttons.length - 1];
    if (!last) return;
    event.preventDefault();
    last.click();
}

/** Puts files into the text at the cursor; exported conversations are imported instead. */
function useFileInsertion(
    input: RefObject<HTMLTextAreaElement>, draft: string, setDraft: (text: string) => void,
): (files: readonly File[]) => void {
    const { t } = useTranslation();
    const latest = useRef(draft);
    latest.current = draft;
    return useCallback((files) => {
        void (async () => {
            for (const file of files) {
                const read = await readTextFile(file);
                if ('problem' in read) {
                    notify(t(read.problem === 'tooLarge' ? 'fileTooLarge' : 'fileNotText', { name: read.name }));
                } else if (read.name.endsWith('.json') && /^\s*\{\s*"format":\s*"stellarchat\.sessions?"/.test(read.text)) {
                    await importFiles([file]);
                } else {
                    const position = input.current?.selectionStart ?? latest.current.length;
                    const before = latest.current.slice(0, position);
                    const gap = before === '' || before.endsWith('\n\n') ? '' : before.endsWith('\n') ? '\n' : '\n\n';
                    latest.current = `${before}${gap}${fencedFile(read.name, read.text)}\n\n${latest.current.slice(position).trimStart()}`;
                    setDraft(latest.current);
                    notify(t('fileInserted', { name: read.name }));
                }
            }
            input.current?.focus();
        })();
    }, [input, setDraft, t]);
}

function FileButton({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }): JSX.Element {
    const { t } = useTranslation();
    const chooser = useRef<HTMLInputElement>(null);
    return (
        <>
            <IconButton label={t('attach')} onClick={() => chooser.current?.click()}><AttachIcon /></IconButton>
            <input ref={chooser} type="file" multiple hidden aria-hidden="true" tabIndex={-1} onChange={(event) => {
                onFiles([...event.target.files ?? []]);
                event.target.value = '';
            }} />
        </>
    );
}

/** How long a reply may become; a small model may otherwise talk on until the context is full. */
function ReplyLimit(): JSX.Element {
    const { t } = useTranslation();
    const maxTokens = useActive(({ conversation }) => conversation.settings.maxTokens);
    const text = maxTokens ? t('replyLimit', { count: formatCount(maxTokens) }) : t('replyUnlimited');
    return <button type="button" className="limit-button" onClick={() => openDialog('settings')}>{text}</button>;
}

const growsByItself = CSS.supports('field-sizing', 'content');

/** Makes the box as high as its text in browsers that don't do so by themselves; the style sheet sets the limits. */
function useAutoGrow(input: RefObject<HTMLTextAreaElement>, text: string): void {
    useLayoutEffect(() => {
        const area = input.current;
        if (!area || growsByItself) return;
        area.style.height = 'auto';
        area.style.height = `${area.scrollHeight}px`;
    }, [input, text]);
}
