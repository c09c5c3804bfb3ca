import { useEffect, type RefObject } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { chatStore, reload, shownPath, useActive } from '../store/chatStore';
import { siblingsOf } from '../utils/tree';
import { EmptyState } from './EmptyState';
import { MessageItem } from './MessageItem';

interface ConversationProps {
    readonly viewport: RefObject<HTMLDivElement>;
    readonly content: RefObject<HTMLDivElement>;
    readonly jumpToLatest: () => void;
}

/** The messages of the branch that is shown, or what there is to say instead. */
export function Conversation({ viewport, content, jumpToLatest }: ConversationProps): JSX.Element {
    const { t } = useTranslation();
    const path = useActive(shownPath);
    const messages = useActive((open) => open.messages);
    const state = useActive((open) => open.state);
    const id = useActive(({ conversation }) => conversation.id);
    const count = path.length;
    useEffect(jumpToLatest, [count, id, state, jumpToLatest]);
    return (
        <div ref={viewport} className="conversation" tabIndex={count > 0 ? 0 : -1} role="region" aria-label={t('conversation')}>
            <div ref={content} className="conversation-content">
                {state === 'loading' && <p className="m-auto text-muted" role="status">{t('loadingConversation')}</p>}
                {state === 'missing' && <p className="m-auto text-muted" role="alert">{t('missingConversation')}</p>}
                {state === 'unreachable' && <Unreachable />}
                {(state === 'new' || (state === 'ready' && count === 0)) && <EmptyState />}
                {count > 0 && <div className="messages" key={id} data-testid="messages">
                    {path.map((message, index) => {
                        const siblings = siblingsOf(messages, message);
                        return <MessageItem key={message.id} message={message} isLast={index === count - 1}
                            variant={siblings.indexOf(message)} variants={siblings.length} />;
                    })}
                </div>}
            </div>
        </div>
    );
}

function Unreachable(): JSX.Element {
    const { t } = useTranslation();
    return (
        <div className="m-auto text-center text-muted" role="alert">
            <p>{t('notCopied')}</p>
            <button type="button" className="retry-button mx-auto mt-4"
                onClick={() => void reload(chatStore.get().activeId)}>{t('retry')}</button>
        </div>
    );
}
