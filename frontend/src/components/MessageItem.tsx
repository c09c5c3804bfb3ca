import { memo } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { isRunning, type AssistantMessage, type Message, type UserMessage } from '../types/chat';
import { CopyButton } from './CopyButton';
import { FailureNotice } from './FailureNotice';
import { Markdown } from './Markdown';
import { ReplyFooter } from './ReplyFooter';

/** One message of the conversation; renders again only when it changes. */
export const MessageItem = memo(function MessageItem({ message }: { readonly message: Message }): JSX.Element {
    return message.role === 'user' ? <UserView message={message} /> : <ReplyView message={message} />;
});

function UserView({ message }: { readonly message: UserMessage }): JSX.Element {
    const { t } = useTranslation();
    return (
        <article className="group flex flex-col items-end" aria-label={t('you')} data-role="user">
            <div className="user-bubble">{message.content}</div>
            <div className="on-hover mt-1 -mb-3"><CopyButton text={message.content} label={t('copyMessage')} /></div>
        </article>
    );
}

function ReplyView({ message }: { readonly message: AssistantMessage }): JSX.Element {
    const { t } = useTranslation();
    const growing = isRunning(message);
    return (
        <article aria-label={t('assistant')} aria-busy={growing} data-role="assistant" data-status={message.status}>
            {message.status === 'waiting' && <Thinking />}
            {message.content !== '' && <Markdown source={message.content} growing={growing} />}
            {message.status === 'done' && message.content === '' && <p className="text-muted">{t('emptyReply')}</p>}
            {message.failure && <FailureNotice failure={message.failure} />}
            {!growing && <ReplyFooter message={message} />}
        </article>
    );
}

function Thinking(): JSX.Element {
    const { t } = useTranslation();
    return <div className="thinking"><span /><span /><span /><span className="sr-only">{t('thinking')}</span></div>;
}
