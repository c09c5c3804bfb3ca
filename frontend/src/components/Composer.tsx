import { useEffect, useLayoutEffect, type FormEvent, type KeyboardEvent, type RefObject } from 'react';
import { useDraft } from '../hooks/useDraft';
import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { sendMessage, stopReply } from '../store/chatStore';
import { canAsk, serverStore } from '../store/serverStore';
import { ArrowUpIcon, StopIcon } from './icons';

interface ComposerProps {
    readonly input: RefObject<HTMLTextAreaElement>;
    /** A reply is being written: the button stops it. */
    readonly running: boolean;
    readonly onSend: () => void;
}

/** The message box. What is written stays until it is sent, whatever the server does. */
export function Composer({ input, running, onSend }: ComposerProps): JSX.Element {
    const { t } = useTranslation();
    const [draft, setDraft] = useDraft();
    const state = useStore(serverStore, (status) => status.state);
    const canSend = !running && canAsk(state) && draft.trim() !== '';
    useAutoGrow(input, draft);

    const submit = (event?: FormEvent): void => {
        event?.preventDefault();
        if (!canSend) return;
        sendMessage(draft.trim());
        setDraft('');
        onSend();
    };
    const onKeyDown = (event: KeyboardEvent): void => {
        if (event.key === 'Escape' && running) stopReply();
        if (event.key !== 'Enter' || event.shiftKey || isComposing(event)) return;
        event.preventDefault();
        submit();
    };
    return (
        <form className="composer" onSubmit={submit} data-testid="composer">
            <label htmlFor="message" className="sr-only">{t('messageLabel')}</label>
            <textarea ref={input} id="message" rows={1} value={draft} placeholder={t('messagePlaceholder')} aria-describedby="composer-hint"
                autoFocus onChange={(event) => setDraft(event.target.value)} onKeyDown={onKeyDown} />
            {running ? (
                <button key="stop" type="button" className="round-button" onClick={stopReply} aria-label={t('stop')}>
                    <StopIcon size={20} />
                </button>
            ) : (
                <button key="send" type="submit" className="round-button" disabled={!canSend} aria-label={t('send')}>
                    <ArrowUpIcon size={20} />
                </button>
            )}
        </form>
    );
}

/** Enter also confirms a candidate of an input method; 229 is what browsers send that miss `isComposing` (WebKit). */
function isComposing(event: KeyboardEvent): boolean {
    return event.nativeEvent.isComposing || event.keyCode === 229;
}

/** Makes the box as high as its text, also when the box becomes narrower; the style sheet sets the limits. */
function useAutoGrow(input: RefObject<HTMLTextAreaElement>, text: string): void {
    useLayoutEffect(() => fitHeight(input.current), [input, text]);
    useEffect(() => {
        let width = 0;
        const observer = new ResizeObserver(([entry]) => {
            if (!entry || entry.contentRect.width === width) return;
            width = entry.contentRect.width;
            fitHeight(input.current);
        });
        if (input.current) observer.observe(input.current);
        return () => observer.disconnect();
    }, [input]);
}

function fitHeight(area: HTMLTextAreaElement | null): void {
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
}
