import { memo } from 'react';
import type { Message } from '../types/chat';
import { ReplyView } from './ReplyView';
import { UserView } from './UserView';

export interface MessageItemProps {
    readonly message: Message;
    /** Position among the variants of this message, from 0, and how many there are. */
    readonly variant: number;
    readonly variants: number;
    readonly isLast: boolean;
}

/** One message of the conversation; renders again only when it changes. */
export const MessageItem = memo(function MessageItem(props: MessageItemProps): JSX.Element | null {
    switch (props.message.role) {
        case 'user': return <UserView {...props} />;
        case 'assistant': return <ReplyView {...props} />;
        case 'system': return null;
    }
});
