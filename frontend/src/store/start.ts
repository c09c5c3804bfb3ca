import { onNavigation } from '../routes/navigation';
import { refreshActive, showConversation, showNewConversation } from './chatStore';
import { interfaceStore, setDrawer } from './interfaceStore';
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
        if (document.visibilityState !== 'visible') return;
        void refreshList();
        // What has been taken away here, and may be brought back, is still in the archive.
        if (!interfaceStore.get().notice?.undo) refreshActive();
    });
}
