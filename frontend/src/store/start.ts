import { onNavigation } from '../routes/navigation';
import { showConversation, showNewConversation } from './chatStore';
import { setDrawer } from './interfaceStore';
import { knownArchive, refreshList } from './listStore';
import { reloadInterrupted } from './replies';
import { watchServer } from './serverStore';

/** Brings the page to life; called once. */
export function startPage(): void {
    onNavigation(({ conversationId }) => {
        setDrawer(false);
        if (conversationId === undefined) showNewConversation();
        else showConversation(conversationId);
    });
    watchServer(() => void refreshList().then(reloadInterrupted));
    if (!knownArchive()) void refreshList();
    document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'visible') void refreshList();
    });
}
