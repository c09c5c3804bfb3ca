import { useCallback, useEffect, useRef } from 'react';
import { Announcer } from '../components/Announcer';
import { Composer } from '../components/Composer';
import { ComposerHint } from '../components/ComposerHint';
import { EmptyState } from '../components/EmptyState';
import { Header } from '../components/Header';
import { ArrowDownIcon } from '../components/icons';
import { MessageItem } from '../components/MessageItem';
import { useStickToBottom } from '../hooks/useStickToBottom';
import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { chatStore } from '../store/chatStore';
import { isRunning } from '../types/chat';

/** One conversation with the model. */
export function ChatView(): JSX.Element {
    const { t } = useTranslation();
    const messages = useStore(chatStore, (state) => state.messages);
    const running = isRunning(messages[messages.length - 1]);
    const input = useRef<HTMLTextAreaElement>(null);
    const { viewport, content, following, jumpToLatest } = useStickToBottom();
    const focusInput = useCallback(() => input.current?.focus(), []);

    const count = messages.length;
    useEffect(jumpToLatest, [count, jumpToLatest]);

    return (
        <div className="flex h-dvh flex-col">
            <a href="#message" className="skip-link">{t('skipToInput')}</a>
            <Header onNewConversation={focusInput} canBegin={count > 0} />
            <main className="relative flex min-h-0 flex-1 flex-col">
                <div ref={viewport} className="conversation" tabIndex={count > 0 ? 0 : -1} role="region" aria-label={t('conversation')}>
                    <div ref={content} className="mx-auto flex min-h-full w-full max-w-3xl flex-col px-4 sm:px-6">
                        {count === 0
                            ? <EmptyState />
                            : <div className="flex flex-col gap-6 pt-6 pb-10" data-testid="messages">
                                {messages.map((message) => <MessageItem key={message.id} message={message} />)}
                            </div>}
                    </div>
                </div>
                <div className="composer-area relative mx-auto w-full max-w-3xl shrink-0 px-3 pb-3 sm:px-6">
                    {!following && count > 0 && (
                        <button type="button" className="jump-button" onClick={jumpToLatest}>
                            <ArrowDownIcon size={16} />{t('jumpToLatest')}
                        </button>
                    )}
                    <Composer input={input} running={running} onSend={jumpToLatest} />
                    <ComposerHint />
                </div>
            </main>
            <Announcer />
        </div>
    );
}
